"""The client's rules for connections that are lost, refused or silent, against a played server."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.played_turn import begin
from tests.browser.visitor import ask, last_question, last_reply
from tests.browser.wire import Turn, Wire, error, synced, wait_for
from tests.serving import ChatServer


def test_unaccepted_message_is_sent_again_before_subscribing(page: Page, wire: Wire) -> None:
    ask(page, "你好")
    wait_for(page, lambda: wire.of_type("send"))
    turn = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send))

    wire.close(4012)

    expect(last_reply(page)).to_be_visible()
    first, second = wire.of_type("send")
    assert first == second
    assert len(wire.connections) == 2
    assert [frame["type"] for frame in wire.received[:2]] == ["send", "send"]


def test_unaccepted_message_outlives_a_reload(page: Page, expert_site: ChatServer) -> None:
    wire = Wire(page)
    wire.welcomes = False
    page.goto(expert_site.url)
    ask(page, "你好")
    expect(last_question(page)).to_have_text("你好")
    wire.welcomes = True
    wire.answers["send"] = lambda wire, send: wire.send(Turn().accepted(send))

    page.reload()

    expect(last_reply(page)).to_be_visible()
    [send] = wire.of_type("send")
    assert page.url.endswith(send["conversation"])


def test_reconnecting_page_says_how_far_it_is(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(turn.text("一", "1-1"))
    expect(last_reply(page).locator(".tail")).to_have_text("一")
    wire.answers["subscribe"] = lambda wire, asked: wire.send(
        synced(asked, turn), turn.text("二", "1-2")
    )

    wire.close(1011)

    expect(last_reply(page).locator(".tail")).to_have_text("一二")
    [asked] = wire.of_type("subscribe")
    assert asked["rev"] == 1
    assert asked["turn"] == {"id": turn.id, "cursor": "1-1"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4500, "This connection has ended."),
        (4501, "Your session has ended"),
        (4503, "This connection has ended."),
        (4504, "The chat is open in too many windows."),
        (4506, "There is a new version of this page."),
    ],
)
def test_final_close_is_final_and_says_why(english_page: Page, code: int, words: str) -> None:
    wire = Wire(english_page)
    wire.refuses = code

    english_page.reload()

    expect(english_page.locator("#status [role=status]")).to_contain_text(words)
    expect(english_page.get_by_role("button", name="Reload")).to_be_visible()
    expect(english_page.get_by_role("button", name="Try now")).to_be_hidden()
    english_page.evaluate("dispatchEvent(new Event('online'))")
    assert len(wire.connections) == 1


def test_reload_leads_out_of_a_final_close(english_page: Page) -> None:
    wire = Wire(english_page)
    wire.refuses = 4501
    english_page.reload()
    expect(english_page.get_by_role("button", name="Reload")).to_be_visible()
    wire.refuses = None

    english_page.get_by_role("button", name="Reload").press("Enter")

    expect(english_page.locator("[data-mode=model]")).to_be_visible()
    expect(english_page.locator("#status [role=status]").locator("p:visible")).to_have_count(0)


def test_ping_is_answered(page: Page, wire: Wire, turn: Turn) -> None:
    wire.send({"type": "ping", "k": 7})
    begin(page)

    assert wire.of_type("pong") == [{"type": "pong", "k": 7}]


def test_silent_connection_is_dropped(page: Page, expert_site: ChatServer) -> None:
    wire = Wire(page, ping_seconds=0.3)
    page.goto(expert_site.url)
    wire.answers["send"] = lambda wire, send: wire.send(Turn().accepted(send))

    ask(page, "你好")
    expect(last_reply(page)).to_be_visible()
    wire.answers["subscribe"] = lambda wire, _: wire.send(error("unavailable", message="又来了。"))

    expect(page.get_by_text("又来了。").first).to_be_visible()
    assert len(wire.connections) > 1
