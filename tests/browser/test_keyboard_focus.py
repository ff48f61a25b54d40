"""A button that goes away under the keyboard leaves it somewhere to go on from."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.played_conversation import PlayedConversation
from tests.browser.played_turn import begin, checksum
from tests.browser.visitor import expect_settled, last_reply
from tests.browser.wire import Turn, Wire


@pytest.fixture
def reader_above(page: Page, wire: Wire) -> None:
    """Somebody who has gone up in a long conversation, with the keyboard on the way back."""
    conversation = PlayedConversation()
    reply = None
    for number in range(20):
        reply = conversation.exchange(f"第{number}问", f"第{number}答", reply)
    conversation.open(page, wire)
    expect(page.locator(".reply").last).to_be_in_viewport()
    page.mouse.wheel(0, -600)
    expect(page.locator("#to-end")).to_be_visible()
    page.locator("#to-end").focus()


@pytest.mark.usefixtures("reader_above")
@pytest.mark.parametrize("key", ["Enter", "End"])
def test_keyboard_is_at_the_end_that_it_has_gone_to(page: Page, key: str) -> None:
    page.keyboard.press(key)

    expect(page.locator("#to-end")).to_be_hidden()
    expect(last_reply(page)).to_be_focused()
    expect(last_reply(page)).to_be_in_viewport()


@pytest.mark.usefixtures("reader_above")
def test_focus_elsewhere_is_left_there_at_the_end(page: Page) -> None:
    page.locator("#question").focus()

    page.mouse.wheel(0, 5000)

    expect(page.locator("#to-end")).to_be_hidden()
    expect(page.locator("#question")).to_be_focused()


def end(wire: Wire, turn: Turn) -> None:
    wire.send(turn.text("嗯", "1-1"), turn.end("1-2", length=1, sha256=checksum("嗯")))


def test_reply_that_ends_under_the_keyboard_gives_it_to_the_field(
    page: Page, wire: Wire, turn: Turn
) -> None:
    begin(page)
    expect(page.locator(".stop")).to_be_visible()
    page.locator("#question").press("Tab")
    expect(page.locator(".stop")).to_be_focused()

    end(wire, turn)

    expect(page.locator(".stop")).to_be_hidden()
    expect(page.locator("#question")).to_be_focused()


def test_reply_that_ends_under_a_finger_brings_no_keys_up(
    page: Page, wire: Wire, turn: Turn
) -> None:
    begin(page)
    page.locator(".stop").hover()
    page.mouse.down()
    expect(page.locator(".stop")).to_be_focused()

    end(wire, turn)

    expect(page.locator(".stop")).to_be_hidden()
    expect(page.locator("#question")).not_to_be_focused()


def test_reply_that_ends_takes_no_focus_from_elsewhere(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    last_reply(page).focus()

    end(wire, turn)

    expect_settled(page)
    expect(page.locator(".stop")).to_be_hidden()
    expect(last_reply(page)).to_be_focused()
