"""Several pages of one visitor, and what happens to them: in the end all show the same, once."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visitor import NO_CONNECTION, Visitor, ask, expect_settled, last_reply
from tests.databases import rows
from tests.latch import Latch
from tests.openai_script import Answer, CallTool
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

QUESTION = "自闭症孩子自伤怎么办？"
PARAGRAPHS = [f"第{n}段：先让他**安全**下来，再想想他要什么。" for n in range(1, 41)]
REPLY = "\n\n".join(PARAGRAPHS)
SHOWN = " ".join(PARAGRAPHS).replace("*", "")
REPLIES = "SELECT status, text FROM chat_message WHERE role = 'assistant'"
QUESTIONS = "SELECT count(*) FROM chat_message WHERE role = 'user' AND text = %s"
NOT_DRAWING = """
    const draw = window.requestAnimationFrame.bind(window);
    window.waiting = [];
    window.requestAnimationFrame = (callback) => {
        if (window.unseen) return window.waiting.push(callback);
        return draw(callback);
    };
    window.look = () => {
        window.unseen = false;
        for (const callback of window.waiting.splice(0)) draw(callback);
        document.dispatchEvent(new Event("visibilitychange"));
    };"""


@pytest.fixture
def phone(chromium: Browser, visitor: Visitor) -> Iterator[Visitor]:
    """Another device of the same visitor's."""
    with Visitor(chromium, locale="zh-CN").watched() as device:
        device.expected = NO_CONNECTION
        yield device


def begin(page: Page, server: OpenAIServer, text: str = REPLY) -> Latch:
    """Ask, and hold the reply in its middle until the latch is opened."""
    gate = Latch()
    server.script(
        CallTool(QUESTION), Answer(text, pieces=len(text), gate=gate, gate_after=len(text) // 2)
    )
    ask(page, QUESTION)
    expect(last_reply(page).locator(".blocks > div").first).to_be_visible()
    return gate


def expect_whole(*pages: Page, shown: str = SHOWN) -> None:
    for page in pages:
        expect_settled(page)
        expect(last_reply(page).locator(".blocks")).to_have_text(shown)
        expect(last_reply(page).locator(".tail")).to_be_empty()
        expect(page.locator(".question")).to_have_count(1)
        expect(page.locator(".reply")).to_have_count(1)


def test_two_tabs_and_a_phone_show_the_same(
    model_site: ChatServer, visitor: Visitor, phone: Visitor, scripted_server: OpenAIServer
) -> None:
    visitor.expected = NO_CONNECTION
    page = visitor.visit(model_site.url)
    gate = begin(page, scripted_server)
    phone.context.add_cookies(visitor.context.cookies())  # type: ignore[arg-type]  # what it gave
    tab, other = visitor.visit(page.url), phone.visit(page.url)
    expect(last_reply(other)).to_contain_text("第1段")

    phone.context.set_offline(True)
    gate.open()
    expect_whole(page, tab)
    phone.context.set_offline(False)

    expect_whole(page, tab, other)


def test_question_asked_on_the_phone_appears_at_the_desk(
    model_site: ChatServer, visitor: Visitor, phone: Visitor, scripted_server: OpenAIServer
) -> None:
    page = visitor.visit(model_site.url)
    scripted_server.script(CallTool(QUESTION), Answer("好。"))
    ask(page, QUESTION)
    expect_settled(page)
    phone.context.add_cookies(visitor.context.cookies())  # type: ignore[arg-type]  # what it gave
    other = phone.visit(page.url)
    expect_settled(other)
    gate = Latch()
    scripted_server.script(Answer("慢慢来。", pieces=4, gate=gate, gate_after=2))

    ask(other, "谢谢，还有呢？")

    expect(page.locator(".question-text").last).to_have_text("谢谢，还有呢？")
    expect(last_reply(page).locator(".tail")).to_have_text("慢慢")
    gate.open()
    for each in (page, other):
        expect(last_reply(each).locator(".blocks")).to_have_text("慢慢来。")


def test_long_reply_that_nobody_watched_is_whole_when_it_is_looked_at(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    paragraphs = [f"{n:03} " + "慢慢说。" * 200 for n in range(58)]  # beyond a socket's credit
    page = visitor.context.new_page()
    page.add_init_script(NOT_DRAWING)
    page.goto(model_site.url)
    text = "\n\n".join(paragraphs)
    gate = Latch()
    held = Answer(text, pieces=58, gate=gate, gate_after=1)
    scripted_server.script(CallTool(QUESTION), held)
    ask(page, QUESTION)
    expect(last_reply(page)).to_be_visible()

    page.evaluate("window.unseen = true")
    gate.open()
    other = visitor.visit(page.url)
    expect_settled(other)
    assert page.locator(".reply").inner_text() != other.locator(".reply").inner_text()
    page.evaluate("window.look()")
    other.locator("#earlier button").click()  # a reply as long as this comes alone

    expect_whole(page, other, shown=" ".join(paragraphs))


def test_reply_of_a_killed_server_ends_whole_and_once_on_every_page(
    mortal_site: ChatServer,
    mortal_database: str,
    visitor: Visitor,
    scripted_server: OpenAIServer,
) -> None:
    visitor.expected = NO_CONNECTION
    page = visitor.visit(mortal_site.url)
    begin(page, scripted_server, REPLY.replace("先", "从前"))
    tab = visitor.visit(page.url)
    expect(last_reply(tab)).to_contain_text("从前")

    mortal_site.kill()
    scripted_server.script(CallTool(QUESTION), Answer(REPLY, pieces=len(REPLY)))
    mortal_site.restart()

    expect_whole(page, tab)
    assert rows(mortal_database, REPLIES) == [("done", REPLY)]
    assert rows(mortal_database, QUESTIONS, QUESTION) == [(1,)]


def test_message_that_two_pages_kept_is_stored_once_and_answered_on_both(
    mortal_site: ChatServer, mortal_database: str, visitor: Visitor
) -> None:
    visitor.expected = NO_CONNECTION
    page = visitor.visit(mortal_site.url)
    ask(page, "你好")
    expect_settled(page)
    tab = visitor.visit(page.url)
    expect_settled(tab)
    visitor.context.set_offline(True)
    expect(page.get_by_text("现在没有网络。")).to_be_visible()
    ask(page, "谢谢您")
    expect(tab.locator(".question-text").last).to_have_text("谢谢您")

    visitor.context.set_offline(False)

    for each in (page, tab):
        expect(each.locator(".reply")).to_have_count(2)
        expect_settled(each)
        expect(each.locator(".question")).to_have_count(2)
    assert rows(mortal_database, QUESTIONS, "谢谢您") == [(1,)]


def test_stop_pressed_without_a_network_stops_the_turn_later(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    visitor.expected = NO_CONNECTION
    page = visitor.visit(model_site.url)
    gate = begin(page, scripted_server)
    visitor.context.set_offline(True)
    expect(page.get_by_text("现在没有网络。")).to_be_visible()

    page.get_by_role("button", name="停止").click()
    visitor.context.set_offline(False)

    expect(last_reply(page)).to_have_attribute("data-state", "stopped")
    expect(last_reply(page).locator(".blocks")).to_have_text(re.compile("^第1段"))
    gate.open()
