"""A page whose connection breaks: when it tries again, and what it says meanwhile."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.page_clock import PageClock
from tests.browser.visitor import Visitor, ask, last_reply
from tests.browser.wire import Turn, Wire, synced, wait_for
from tests.serving import ChatServer

Opened = tuple[Page, Wire, PageClock]
Open = Callable[..., Opened]
RESTARTING = 4012
BACK = "The connection is back."


@pytest.fixture
def open_page(english_visitor: Visitor, expert_site: ChatServer) -> Open:
    """A page that is connected, and whose time stands still."""

    def opened(*, chance: float = 1.0) -> Opened:
        page = english_visitor.context.new_page()
        wire = Wire(page)
        clock = PageClock(page, chance=chance)
        page.goto(expert_site.url)
        expect(page.locator("[data-mode=model]")).to_be_visible()
        clock.stop()
        return page, wire, clock

    return opened


def said(page: Page) -> Locator:
    return page.locator("#status [role=status]").locator("p:visible")


def lose(wire: Wire) -> None:
    """The connection, and every later one too."""
    wire.refuses = RESTARTING
    wire.close(RESTARTING)


@pytest.mark.parametrize(
    ("chance", "pauses"),
    [
        (1.0, [200, 400, 800, 1600, 3200, 6400, 10000, 10000]),
        (0.5, [100, 200, 400, 800, 1600, 3200, 5000, 5000]),
    ],
)
def test_pauses_double_up_to_ten_seconds_with_full_jitter(
    open_page: Open, chance: float, pauses: list[int]
) -> None:
    _, wire, clock = open_page(chance=chance)

    lose(wire)

    assert clock.pauses(len(pauses)) == pauses


def test_chance_may_let_it_try_at_once(open_page: Open) -> None:
    _, wire, clock = open_page(chance=0.0)

    lose(wire)

    assert max(clock.pauses(4)) <= 1


def test_pauses_begin_anew_after_a_steady_connection(open_page: Open) -> None:
    page, wire, clock = open_page()
    lose(wire)
    clock.pauses(4)
    wire.refuses = None
    before = len(clock.pauses(5))
    clock.pass_by(6000)

    lose(wire)

    assert clock.pauses(before + 1)[-1] == 200
    expect(page.locator("#question")).to_be_editable()


def test_server_that_says_goodbye_names_the_pause(open_page: Open) -> None:
    _, wire, clock = open_page()

    wire.send({"type": "bye", "code": "draining", "retry_ms": 2340})
    lose(wire)

    assert clock.pauses(2) == [2340, 400]


@pytest.mark.parametrize(
    "event",
    [
        "window.dispatchEvent(new Event('online'))",
        "document.dispatchEvent(new Event('visibilitychange'))",
        "document.dispatchEvent(new Event('resume'))",
        "window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))",
    ],
)
def test_page_that_is_looked_at_again_tries_at_once(open_page: Open, event: str) -> None:
    page, wire, clock = open_page()
    lose(wire)
    clock.pauses(6)
    wait_for(page, lambda: clock.noted()[-1].kind == "lost")
    wire.refuses = None

    page.evaluate(event)

    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    wait_for(page, lambda: clock.noted()[-1].kind == "tried")
    assert clock.noted()[-1].at == clock.now()


def test_connection_is_dropped_after_two_heartbeats_of_silence(open_page: Open) -> None:
    _, wire, clock = open_page()
    wire.welcomes = False

    clock.pass_by(37_000)  # a second of the 40 has passed already, and loading took some
    assert len(wire.connections) == 1
    clock.pass_by(4_000)

    assert len(clock.noted()) > 1


def test_heartbeat_keeps_the_connection(open_page: Open) -> None:
    page, wire, clock = open_page()

    for beat in range(4):
        clock.pass_by(20_000)
        wire.send({"type": "ping", "k": beat})
        wait_for(page, lambda: len(wire.of_type("pong")) == beat + 1)  # noqa: B023

    assert len(wire.connections) == 1


def test_short_loss_is_not_spoken_of(open_page: Open) -> None:
    page, wire, clock = open_page()

    wire.close(RESTARTING)
    clock.pauses(1)
    clock.pass_by(1000)

    expect(said(page)).to_have_count(0)


def test_loss_is_said_with_the_seconds_left_and_then_that_it_is_over(open_page: Open) -> None:
    page, wire, clock = open_page()
    lose(wire)
    clock.pauses(6)
    wait_for(page, lambda: clock.noted()[-1].kind == "lost")
    clock.pass_by(20)

    expect(said(page)).to_contain_text("Connection lost, reconnecting…")
    expect(page.get_by_text("Next try in 10 s")).to_be_visible()
    clock.pass_by(3000)
    expect(page.get_by_text("Next try in 7 s")).to_be_visible()

    wire.refuses = None
    page.get_by_role("button", name="Try now").click()
    clock.until(lambda: said(page).all_inner_texts() == [BACK])
    expect(page.get_by_text("Next try in")).to_be_hidden()
    clock.pass_by(4100)
    expect(said(page)).to_have_count(0)


def test_seconds_are_not_announced(open_page: Open) -> None:
    page, wire, clock = open_page()
    lose(wire)
    clock.pauses(6)

    status = page.locator("#status [role=status]")

    expect(status.locator(".countdown, button")).to_have_count(0)


def test_button_gives_the_focus_back_when_it_goes_away(open_page: Open) -> None:
    page, wire, clock = open_page()
    lose(wire)
    clock.pauses(6)
    wait_for(page, lambda: clock.noted()[-1].kind == "lost")
    clock.pass_by(20)
    wire.refuses = None

    page.get_by_role("button", name="Try now").press("Enter")

    clock.until(lambda: said(page).all_inner_texts() == [BACK])
    expect(page.locator("#question")).to_be_focused()


def test_first_connection_that_takes_long_is_spoken_of(
    english_visitor: Visitor, expert_site: ChatServer
) -> None:
    page = english_visitor.context.new_page()
    wire = Wire(page)
    wire.welcomes = False

    page.goto(expert_site.url)

    expect(said(page)).to_contain_text("Connecting…")
    expect(page.get_by_role("button", name="Try now")).to_be_visible()


def test_frozen_page_lets_go_and_comes_back_right(
    english_visitor: Visitor, expert_site: ChatServer
) -> None:
    page = english_visitor.context.new_page()
    wire = Wire(page)
    turn = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send), turn.text("一", "1-1"))
    wire.answers["subscribe"] = lambda wire, asked: wire.send(
        synced(asked, turn), turn.text("二", "1-2")
    )
    page.goto(expert_site.url)
    ask(page, "你好")
    expect(last_reply(page)).to_contain_text("一")

    page.evaluate("document.dispatchEvent(new Event('freeze'))")
    page.evaluate("document.dispatchEvent(new Event('resume'))")

    expect(last_reply(page).locator(".tail")).to_have_text("一二")
    assert [asked["turn"]["cursor"] for asked in wire.of_type("subscribe")] == ["1-1"]
    assert len(wire.connections) == 2


def test_page_from_the_back_forward_cache_comes_back_right(
    english_visitor: Visitor, expert_site: ChatServer
) -> None:
    page = english_visitor.context.new_page()
    wire = Wire(page)
    page.goto(expert_site.url)
    expect(page.locator("[data-mode=model]")).to_be_visible()
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    turn = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send))

    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    ask(page, "你好")

    expect(last_reply(page)).to_be_visible()
    assert len(wire.connections) == 2
    assert len(wire.of_type("send")) == 1
