"""Nothing that somebody wrote becomes a program, whoever wrote it."""

import pytest
from playwright.sync_api import expect

from tests.browser.payloads import PAYLOADS, expect_harmless, expect_plain_transcript
from tests.browser.visitor import Visitor, ask, expect_settled, last_question, last_reply
from tests.browser.wire import Turn, Wire
from tests.openai_script import Answer, CallTool
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer


def test_words_of_visitors_stay_words(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    text = "\n\n".join(PAYLOADS)

    ask(page, text)

    expect_settled(page)
    assert last_question(page).inner_text().replace("\n\n", "\n") == text.replace("\n\n", "\n")
    expect_harmless(page)
    expect_plain_transcript(page)
    page.reload()
    expect(last_question(page)).to_be_visible()
    expect_harmless(page)


@pytest.mark.parametrize("pieces", [1, 400], ids=["at once", "in pieces"])
def test_words_of_models_stay_words(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer, pieces: int
) -> None:
    page = visitor.visit(model_site.url)
    question = "自闭症孩子自伤怎么办？"
    text = "\n\n".join(PAYLOADS)
    scripted_server.script(CallTool(question), Answer(text, pieces=pieces))

    ask(page, question)

    expect_settled(page)
    expect(last_reply(page)).to_contain_text("window.hacked=1")
    expect_harmless(page)
    expect_plain_transcript(page)
    page.reload()
    expect(last_reply(page)).to_contain_text("window.hacked=1")
    expect_harmless(page)


def test_words_of_experts_stay_words(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)

    ask(page, "<img src=x onerror=window.hacked=1> 这个脚本怎么办？")

    expect(last_reply(page).locator(".source-expert")).to_contain_text("张医生")
    expect_harmless(page)


def test_titles_in_the_list_stay_words(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    ask(page, "<img src=x onerror=window.hacked=1>")
    expect_settled(page)

    page.get_by_role("button", name="我的对话").click()

    expect(page.locator(".conversation-title")).to_have_text("<img src=x onerror=window.hacked=1>")
    assert page.evaluate("() => window.hacked") is None


def test_links_open_without_telling_where_from(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    page = visitor.visit(model_site.url)
    question = "自闭症孩子自伤怎么办？"
    scripted_server.script(CallTool(question), Answer("看[这里](https://www.nice.org.uk/a)。"))

    ask(page, question)

    link = last_reply(page).locator(".blocks a")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")


def test_page_keeps_to_trusted_types(expert_site: ChatServer, visitor: Visitor) -> None:
    """No HTML but through the one named gate."""
    page = visitor.context.new_page()
    wire, turn = Wire(page), Turn()
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send))
    response = page.goto(f"{expert_site.url}/")
    assert response
    ask(page, "你好")
    expect(last_reply(page)).to_be_visible()

    wire.send(
        turn.text("嗯", "1-1"),
        turn.event("1-2", kind="block", start=0, end=1, html="<p><strong>嗯</strong></p>"),
    )

    expect(last_reply(page).locator("strong")).to_have_text("嗯")
    policy = response.headers["content-security-policy"]
    assert {"require-trusted-types-for 'script'", "trusted-types expertline"} <= set(
        policy.split("; ")
    )
