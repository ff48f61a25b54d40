"""Chinese and English: what the browser asks for, unless the visitor chooses."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.played_conversation import PlayedConversation, source
from tests.browser.played_turn import begin
from tests.browser.reading import english
from tests.browser.visitor import Visitor, ask, expect_settled, last_reply
from tests.browser.wire import Turn, Wire
from tests.serving import ChatServer


def test_page_speaks_the_language_of_the_browser(
    expert_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(expert_site.url)

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", level=1)).to_have_text("You ask. Experts answer.")


def test_chosen_language_stays(expert_site: ChatServer, english_visitor: Visitor) -> None:
    page = english_visitor.visit(expert_site.url)

    page.get_by_role("button", name="中文").click()

    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.goto(expert_site.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("您问，专家答。")


def test_switching_keeps_the_conversation_and_the_draft(
    expert_site: ChatServer, visitor: Visitor
) -> None:
    page = visitor.visit(expert_site.url)
    ask(page, "孩子只吃白米饭怎么办？")
    expect_settled(page)
    address = page.url
    page.locator("#question").fill("还有")

    page.get_by_role("button", name="English").click()

    expect(page.get_by_role("button", name="中文")).to_be_visible()
    expect(page).to_have_url(address)
    expect(last_reply(page)).to_contain_text("一次只加一种新食物")
    expect(page.locator("#question")).to_have_value("还有")


def test_text_is_marked_with_its_own_language(
    expert_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(expert_site.url)

    ask(page, "孩子只吃白米饭怎么办？")
    expect(last_reply(page).locator(".blocks")).to_have_attribute("lang", "zh-Hans")
    ask(page, "How do I handle my child's meltdowns?")

    expect(last_reply(page)).to_contain_text("A meltdown is not naughtiness")
    expect(last_reply(page).locator(".blocks")).to_have_attribute("lang", "en")


@pytest.fixture
def english_reply(page: Page, wire: Wire) -> None:
    """On a Chinese page, with all that may stand around a reply."""
    conversation = PlayedConversation()
    answer = source(
        title="What to do about meltdowns",
        expert="Dr Mary Anne Smith",
        role="Consultant in child psychiatry",
        text="Keep them safe first of all.",
        html="<p>Keep them safe first of all.</p>",
        url="https://autism.example.org/a",
        overdue=True,
    )
    asked = conversation.question("他崩溃了怎么办？")
    suggestions = ["What comes after a meltdown?"]
    conversation.reply(
        "A meltdown is not naughtiness.",
        asked,
        grounding="answer",
        sources=[answer, answer],
        suggestions=suggestions,
    )
    conversation.open(page, wire)
    page.locator(".more-sources > summary").click()
    for summary in page.locator(".source-words > summary").all():
        summary.click()


def language(element: Locator) -> str:
    return str(element.evaluate("one => one.closest('[lang]').lang"))


WRITTEN = ["blocks", "source-title", "source-expert", "source-role", "source-text", "suggestion"]
OWN = ["source-kind", "source-review", "source-certain", "source-words", "copy", "at", "unseen"]


@pytest.mark.usefixtures("english_reply")
def test_what_was_written_and_what_the_page_says_of_it_are_told_apart(page: Page) -> None:
    parts = {name: last_reply(page).locator(f".{name}").first for name in WRITTEN + OWN}

    assert {name for name, part in parts.items() if language(part) == "en"} == {*WRITTEN}
    assert {name for name, part in parts.items() if language(part) == "zh-Hans"} == {*OWN}


@pytest.mark.usefixtures("english_reply")
def test_page_around_an_english_reply_is_all_chinese(page: Page) -> None:
    assert english(page) == []


@pytest.mark.usefixtures("english_reply")
def test_english_that_is_left_in_a_reply_is_found(page: Page) -> None:
    kind = page.locator(".source-kind > :not([hidden])").first

    kind.evaluate("one => { one.textContent = 'Based on this answer'; }")

    assert english(page) == ["Based on this answer"]


def test_announcements_are_spoken_in_their_own_language(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    said = page.locator("#announcer")

    wire.send(turn.event("1-1", kind="searching", question="你好"))
    expect(said.get_by_text("正在查找专家怎么说…")).to_have_attribute("lang", "zh-Hans")
    wire.send(turn.text("First of all. Then\n\n", "1-2"))
    expect(said.get_by_text("First of all.")).to_have_attribute("lang", "en")
    wire.send(turn.event("1-3", kind="block", start=0, end=20, html="<p>First of all. Then</p>"))

    expect(said.get_by_text("Then", exact=True)).to_have_attribute("lang", "en")


def test_text_in_a_language_of_neither_is_not_called_english(page: Page, wire: Wire) -> None:
    conversation = PlayedConversation()
    conversation.exchange("ماذا أفعل؟", "اجعله آمنا.")

    conversation.open(page, wire)

    expect(last_reply(page).locator(".blocks")).to_have_attribute("lang", "")


def test_missing_page_speaks_the_language_too(expert_site: ChatServer, visitor: Visitor) -> None:
    visitor.expected = re.compile("status of 404")
    page = visitor.context.new_page()

    response = page.goto(f"{expert_site.url}/nowhere")

    assert response is not None
    assert response.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("没有这个页面")
    expect(page.get_by_role("link", name="去聊天页")).to_be_visible()
