"""What was written waits for the server, however many pages there are, and goes out once."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.page_clock import PageClock
from tests.browser.played_conversation import PlayedConversation
from tests.browser.visitor import Visitor, ask, last_question, last_reply
from tests.browser.wire import Frame, Turn, Wire, error, wait_for
from tests.serving import ChatServer

RESTARTING = 4012
KEPT = """() => Object.keys(localStorage)
    .filter(key => key.startsWith("expertline.outbox."))
    .map(key => JSON.parse(localStorage[key]).text)"""


@pytest.fixture
def site(expert_site: ChatServer) -> str:
    return expert_site.url


def opened(visitor: Visitor, site: str, *, refuses: int | None = None) -> tuple[Page, Wire]:
    """Another page of the visitor's, and its server; one that is away if it refuses."""
    page = visitor.context.new_page()
    wire = Wire(page)
    wire.refuses = refuses
    page.goto(site)
    if refuses is None:
        expect(page.locator("[data-mode=model]")).to_be_visible()
    return page, wire


def accept(wire: Wire, send: Frame) -> None:
    wire.send(Turn().accepted(send))


def be_back(page: Page, wire: Wire) -> None:
    wire.refuses = None
    wire.answers["send"] = accept
    page.evaluate("dispatchEvent(new Event('online'))")


def kept(page: Page) -> list[str]:
    texts: list[str] = page.evaluate(KEPT)
    return sorted(texts)


def test_pages_lose_nothing_of_each_other(english_visitor: Visitor, site: str) -> None:
    one, _ = opened(english_visitor, site, refuses=RESTARTING)
    other, _ = opened(english_visitor, site, refuses=RESTARTING)

    for page, text in ((one, "first"), (other, "second"), (one, "third")):
        ask(page, text)
        expect(last_question(page)).to_have_text(text)

    assert kept(one) == kept(other) == ["first", "second", "third"]


def test_what_two_pages_could_send_is_sent_once(english_visitor: Visitor, site: str) -> None:
    pages = [opened(english_visitor, site, refuses=RESTARTING) for _ in range(2)]
    for page, _ in pages:
        ask(page, "from each")
        expect(last_question(page)).to_be_visible()

    for page, wire in pages:
        be_back(page, wire)

    wait_for(pages[0][0], lambda: kept(pages[0][0]) == [])
    sent = [frame["id"] for _, wire in pages for frame in wire.of_type("send")]
    assert len(sent) == len(set(sent)) == 2


def test_page_that_is_closed_leaves_its_message_to_another(
    english_visitor: Visitor, site: str
) -> None:
    other, wire = opened(english_visitor, site, refuses=RESTARTING)
    page, _ = opened(english_visitor, site, refuses=RESTARTING)
    ask(page, "left behind")
    expect(last_question(page)).to_be_visible()

    page.close()
    be_back(other, wire)

    wait_for(other, lambda: kept(other) == [])
    [send] = wire.of_type("send")
    assert send["text"] == "left behind"
    assert "parent" not in send
    wait_for(other, lambda: wire.of_type("unsubscribe"))


def test_message_that_another_page_has_sent_stays_in_sight(
    english_visitor: Visitor, site: str
) -> None:
    page, wire = opened(english_visitor, site, refuses=RESTARTING)
    ask(page, "over there")
    expect(last_question(page)).to_be_visible()
    other = english_visitor.context.new_page()
    other.goto(f"{site}/healthz")

    other.evaluate("for (const key of Object.keys(localStorage)) localStorage.removeItem(key)")

    expect(last_question(page)).to_have_text("over there")
    wire.refuses = None
    page.evaluate("dispatchEvent(new Event('online'))")
    wait_for(page, lambda: wire.of_type("subscribe"))
    assert wire.of_type("send") == []


def test_message_waits_for_the_next_visit(english_visitor: Visitor, site: str) -> None:
    page, _ = opened(english_visitor, site, refuses=RESTARTING)
    ask(page, "tomorrow")
    expect(last_question(page)).to_be_visible()
    page.close()

    later, wire = opened(english_visitor, site)
    wire.answers["send"] = accept

    wait_for(later, lambda: wire.of_type("send"))
    assert [send["text"] for send in wire.of_type("send")] == ["tomorrow"]


def test_next_visitor_of_a_browser_sends_nothing_of_the_last_one(
    english_visitor: Visitor, site: str
) -> None:
    page, _ = opened(english_visitor, site, refuses=RESTARTING)
    ask(page, "mine alone")
    expect(last_question(page)).to_be_visible()
    address = page.url
    page.close()
    english_visitor.context.clear_cookies()

    next_page, wire = opened(english_visitor, address)

    ask(next_page, "somebody else")
    wait_for(next_page, lambda: wire.of_type("send"))
    expect(next_page.locator(".question-text")).to_have_text(["somebody else"])
    assert [send["text"] for send in wire.of_type("send")] == ["somebody else"]


def test_storage_that_is_full_does_not_swallow_a_message(
    english_visitor: Visitor, site: str
) -> None:
    page, wire = opened(english_visitor, site, refuses=RESTARTING)
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new DOMException(); }; }")

    ask(page, "still here")
    expect(last_question(page)).to_have_text("still here")
    be_back(page, wire)

    expect(last_reply(page)).to_be_visible()
    assert len(wire.of_type("send")) == 1


def test_too_fast_is_said_and_sent_when_the_server_allows_it(
    english_visitor: Visitor, site: str
) -> None:
    page = english_visitor.context.new_page()
    wire = Wire(page)
    clock = PageClock(page)
    wire.answers["send"] = lambda wire, send: wire.send(
        error("rate_limited", send["id"], retry_ms=7000)
    )
    page.goto(site)
    expect(page.locator("[data-mode=model]")).to_be_visible()
    ask(page, "quick")
    held = page.locator(".question").get_by_text("The server is busy")
    expect(held).to_be_visible()
    expect(page.locator("#announcer")).to_contain_text("The server is busy")
    clock.stop()
    wire.answers["send"] = accept

    clock.pass_by(5000)
    assert len(wire.of_type("send")) == 1
    clock.pass_by(2000)

    wait_for(page, lambda: len(wire.of_type("send")) == 2)
    assert len({send["id"] for send in wire.of_type("send")}) == 1
    clock.pass_by(100)
    expect(held).to_be_hidden()


def test_too_fast_holds_over_a_new_connection(english_visitor: Visitor, site: str) -> None:
    page = english_visitor.context.new_page()
    wire = Wire(page)
    clock = PageClock(page)
    wire.answers["send"] = lambda wire, send: wire.send(
        error("rate_limited", send["id"], retry_ms=9000)
    )
    page.goto(site)
    ask(page, "quick")
    expect(page.locator(".question").get_by_text("The server is busy")).to_be_visible()
    clock.stop()

    wire.close(RESTARTING)
    clock.until(lambda: len(wire.connections) == 2)
    clock.pass_by(1000)

    assert len(wire.of_type("send")) == 1


@pytest.mark.parametrize("code", ["draining", "unavailable"])
def test_what_a_parting_server_refuses_goes_to_the_next(
    english_visitor: Visitor, site: str, code: str
) -> None:
    page, wire = opened(english_visitor, site)
    wire.answers["send"] = lambda wire, send: wire.send(error(code, send["id"], retry_ms=60_000))
    ask(page, "hello")
    expect(page.locator(".question").get_by_text("The server is busy")).to_be_visible()
    wire.answers["send"] = accept

    wire.send({"type": "bye", "code": "draining", "retry_ms": 1})
    wire.close(RESTARTING)

    expect(last_reply(page)).to_be_visible()
    assert len({send["id"] for send in wire.of_type("send")}) == 1


def test_message_of_an_ended_session_is_kept(english_visitor: Visitor, site: str) -> None:
    page, wire = opened(english_visitor, site)

    def end(wire: Wire, send: Frame) -> None:
        wire.send(error("session_ended", send["id"]))
        wire.close(4501)

    wire.answers["send"] = end

    ask(page, "hello")

    expect(page.locator("#status [role=status]")).to_contain_text("Your session has ended")
    assert kept(page) == ["hello"]


@pytest.mark.parametrize("code", [4501, 4506])
def test_what_is_written_after_the_connection_has_ended_stays_to_be_sent(
    english_visitor: Visitor, site: str, code: int
) -> None:
    page, wire = opened(english_visitor, site)
    wire.close(code)
    expect(page.get_by_role("button", name="Reload")).to_be_visible()

    ask(page, "hello")

    expect(page.get_by_role("button", name="Reload")).to_be_focused()
    assert kept(page) == []
    page.get_by_role("button", name="Reload").click()
    expect(page.locator("[data-mode=model]")).to_be_visible()
    expect(page.locator("#question")).to_have_value("hello")


def test_message_to_a_conversation_that_was_deleted_begins_a_new_one(
    english_visitor: Visitor, site: str
) -> None:
    page, wire = opened(english_visitor, site)
    conversation = PlayedConversation()
    conversation.exchange("how?", "so")
    conversation.open(page, wire)
    wire.refuses = RESTARTING
    wire.close(RESTARTING)
    ask(page, "and then?")
    expect(page.locator(".question").last).to_contain_text("Will be sent")
    wire.answers["subscribe"] = lambda wire, asked: wire.send(error("not_found"))
    wire.answers["send"] = lambda wire, send: wire.send(error("not_found", send["id"]))
    wire.refuses = None
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_text("This conversation was not found.")).to_be_visible()
    wire.answers["send"] = accept

    page.get_by_role("button", name="Try again").click()

    expect(last_reply(page)).to_have_attribute("aria-busy", "true")
    sent = wire.of_type("send")[-1]
    assert (sent["text"], sent["conversation"] == conversation.id) == ("and then?", False)


def test_message_that_may_have_arrived_cannot_be_taken_back(
    english_visitor: Visitor, site: str
) -> None:
    page, wire = opened(english_visitor, site)
    ask(page, "on its way")
    wait_for(page, lambda: wire.of_type("send"))

    wire.refuses = RESTARTING
    wire.close(RESTARTING)

    question = page.locator(".question")
    expect(question.get_by_text("Will be sent when the connection is back")).to_be_visible()
    expect(question.get_by_role("button", name="Don’t send")).to_be_hidden()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()


def test_stop_of_what_was_not_confirmed_is_carried_out_later(
    english_visitor: Visitor, site: str
) -> None:
    page, wire = opened(english_visitor, site)
    ask(page, "never mind")
    wait_for(page, lambda: wire.of_type("send"))
    wire.refuses = RESTARTING
    wire.close(RESTARTING)
    page.get_by_role("button", name="Stop").click()
    turn = Turn()

    wire.refuses = None
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send))
    page.evaluate("dispatchEvent(new Event('online'))")

    wait_for(page, lambda: {"type": "stop", "turn": turn.id} in wire.received)


def test_stop_pressed_offline_is_carried_out_later(english_visitor: Visitor, site: str) -> None:
    page, wire = opened(english_visitor, site)
    turn = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send))
    ask(page, "hello")
    expect(last_reply(page)).to_be_visible()
    wire.refuses = RESTARTING
    wire.close(RESTARTING)
    page.get_by_role("button", name="Stop").click()
    expect(last_reply(page).get_by_text("Stopping…")).to_be_visible()
    page.get_by_role("link", name="New conversation").click()

    wire.refuses = None
    page.evaluate("dispatchEvent(new Event('online'))")

    wait_for(page, lambda: wire.of_type("stop"))
    assert wire.of_type("stop") == [{"type": "stop", "turn": turn.id}]


def test_stop_that_was_too_fast_is_repeated(english_visitor: Visitor, site: str) -> None:
    page, wire = opened(english_visitor, site)
    turn = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send))
    wire.answers["stop"] = lambda wire, _: wire.send(error("rate_limited"))
    ask(page, "hello")
    expect(last_reply(page)).to_be_visible()

    page.get_by_role("button", name="Stop").click()

    wait_for(page, lambda: len(wire.of_type("stop")) == 2)


def test_storage_holds_nothing_that_was_accepted(english_visitor: Visitor, site: str) -> None:
    page, wire = opened(english_visitor, site)
    wire.answers["send"] = accept

    ask(page, "a secret")

    expect(last_reply(page)).to_be_visible()
    assert "a secret" not in json.dumps(page.evaluate("({...localStorage, ...sessionStorage})"))
