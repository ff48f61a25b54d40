"""Long conversations: the end comes first, what was before when the reader goes there."""

import json
import re

from playwright.sync_api import Page, Route, expect

from tests.browser.played_conversation import PlayedConversation
from tests.browser.visitor import NO_CONNECTION, Visitor, ask, last_reply
from tests.browser.wire import Turn, Wire, wait_for

EARLIER = re.compile(r"/api/conversations/[^/]+\?before=")
TOP = "one => one.getBoundingClientRect().top"


def conversation_of(exchanges: int) -> PlayedConversation:
    conversation = PlayedConversation()
    last = None
    for number in range(1, exchanges + 1):
        last = conversation.exchange(f"问{number}", f"答{number}", last)
        last["at"] = f"2026-11-{1 + number // 60:02}T00:{number % 60:02}:30.000Z"
        conversation.messages[-2]["at"] = last["at"].replace(":30.", ":00.")
    return conversation


def serve_earlier(page: Page, conversation: PlayedConversation, *, size: int) -> list[str]:
    """Answers as the server does; which messages were named."""
    named: list[str] = []

    def answer(route: Route) -> None:
        named.append(route.request.url.split("before=")[1])
        ids = [message["id"] for message in conversation.messages]
        end = ids.index(named[-1])
        messages = conversation.messages[max(0, end - size) : end]
        route.fulfill(body=json.dumps({"messages": messages}), content_type="application/json")

    page.route(EARLIER, answer)
    return named


def test_conversation_that_is_here_whole_has_nothing_earlier(page: Page, wire: Wire) -> None:
    conversation_of(3).open(page, wire)

    expect(page.locator(".question")).to_have_count(3)
    expect(page.locator("#earlier")).to_be_hidden()


def test_what_was_before_comes_when_the_reader_goes_up(page: Page, wire: Wire) -> None:
    conversation = conversation_of(60)
    named = serve_earlier(page, conversation, size=40)
    conversation.open(page, wire, last=40)
    expect(page.locator(".question")).to_have_count(20)
    assert named == []

    page.mouse.move(180, 300)
    page.mouse.wheel(0, -20_000)

    expect(page.get_by_text("问21", exact=True)).to_be_attached()
    assert named[0] == conversation.messages[80]["id"]


def test_clock_of_the_phone_hides_nothing(page: Page, wire: Wire) -> None:
    page.clock.set_fixed_time("2020-01-01T00:00:00Z")
    conversation = conversation_of(60)
    named = serve_earlier(page, conversation, size=40)
    conversation.open(page, wire, last=40)
    turn = Turn()
    rev = len(conversation.messages) + 1
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send, rev=rev))
    ask(page, "还有呢？")
    expect(last_reply(page)).to_have_attribute("aria-busy", "true")

    page.mouse.move(180, 300)
    page.mouse.wheel(0, -20_000)

    expect(page.get_by_text("问21", exact=True)).to_be_attached()
    assert named[0] == conversation.messages[80]["id"]


def test_what_is_read_stays_where_it_is(page: Page, wire: Wire) -> None:
    conversation = conversation_of(60)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(EARLIER, hold)
    conversation.open(page, wire, last=40)
    page.mouse.move(180, 300)
    page.mouse.wheel(0, -20_000)
    expect(page.locator("#earlier .quiet").first).to_be_visible()
    page.evaluate("window.scrollTo(0, 150)")
    read = page.locator(".question", has_text="问42")
    before = read.evaluate(TOP)

    body = json.dumps({"messages": conversation.messages[40:80]})
    wait_for(page, lambda: held)
    held[0].fulfill(body=body, content_type="application/json")

    expect(page.locator(".question")).to_have_count(40)
    assert abs(read.evaluate(TOP) - before) < 2


def test_button_brings_them_all_and_keeps_the_focus(page: Page, wire: Wire) -> None:
    conversation = conversation_of(50)
    serve_earlier(page, conversation, size=40)
    conversation.open(page, wire, last=40)
    button = page.locator("#earlier button")

    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".question")).to_have_count(40)
    expect(page.locator("#announcer")).not_to_be_empty()
    expect(button).to_be_visible()
    button.focus()
    page.keyboard.press("Enter")

    expect(page.locator(".question")).to_have_count(50)
    expect(page.locator("#earlier")).to_be_hidden()
    expect(page.locator(".question").first).to_be_focused()


def test_what_cannot_be_loaded_can_be_tried_again(page: Page, wire: Wire, visitor: Visitor) -> None:
    visitor.expected = NO_CONNECTION
    conversation = conversation_of(30)
    page.route(EARLIER, lambda route: route.abort())
    conversation.open(page, wire, last=40)
    page.locator("#earlier button").click()
    expect(page.locator("[data-earlier=failed]")).to_be_visible()
    page.unroute(EARLIER)
    serve_earlier(page, conversation, size=40)

    page.locator("#earlier button").click()

    expect(page.locator(".question")).to_have_count(30)


def test_thousand_messages_are_drawn_once(page: Page, wire: Wire) -> None:
    """A piece of text touches the reply that it belongs to, and no other message."""
    conversation = conversation_of(500)
    conversation.open(page, wire, last=1000)
    expect(page.locator(".question")).to_have_count(500)
    wire.answers["send"] = lambda wire, send: None
    page.evaluate(
        """() => {
            window.touched = new Set();
            new MutationObserver((changes) => changes.forEach(({ target }) => {
                const element = target.closest ? target : target.parentElement;
                const message = element?.closest("article");
                if (message) window.touched.add(message);
            })).observe(document.getElementById("transcript"),
                { subtree: true, childList: true, attributes: true, characterData: true });
        }"""
    )

    ask(page, "还有")
    expect(page.locator(".question")).to_have_count(501)

    assert page.evaluate("window.touched.size") <= 2


def test_reply_of_a_hundred_thousand_characters_is_shown_whole(page: Page, wire: Wire) -> None:
    paragraph = "先让他安全下来，再想想他要什么。" * 20
    paragraphs = [paragraph] * (100_000 // len(paragraph))
    conversation = PlayedConversation()
    reply = conversation.exchange("很长", "\n\n".join(paragraphs))
    reply["html"] = "".join(f"<p>{each}</p>" for each in paragraphs)

    conversation.open(page, wire)

    expect(last_reply(page).locator(".blocks p")).to_have_count(len(paragraphs))
