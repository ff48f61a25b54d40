"""What a visitor thinks of a reply, and the wish to hear of an answer: shown, sent, kept."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.played_conversation import PlayedConversation
from tests.browser.visitor import NO_CONNECTION, Visitor, ask, expect_settled, last_reply
from tests.browser.wire import Frame, Wire, error, wait_for
from tests.serving import ChatServer

ESCAPE = """field => field.dispatchEvent(new KeyboardEvent(
    "keydown", { key: "Escape", %s, bubbles: true, cancelable: true }))"""


@pytest.fixture
def told(page: Page, wire: Wire) -> PlayedConversation:
    conversation = PlayedConversation()
    conversation.exchange("你好", "你好呀")
    conversation.open(page, wire)
    return conversation


def up(page: Page) -> Locator:
    return last_reply(page).locator(".up")


def down(page: Page) -> Locator:
    return last_reply(page).locator(".down")


def done(wire: Wire, note: Frame) -> None:
    wire.send({"type": "done", "id": note["id"]})


def given(page: Page, wire: Wire, count: int) -> list[tuple[str, str, str]]:
    """What was sent, once there is so much of it."""
    wait_for(page, lambda: len(wire.of_type("feedback")) >= count)
    return [(each["value"], each["reason"], each["comment"]) for each in wire.of_type("feedback")]


def test_thumb_up_is_pressed_and_taken_back(
    page: Page, wire: Wire, told: PlayedConversation
) -> None:
    wire.answers["feedback"] = done

    up(page).click()
    expect(up(page)).to_have_attribute("aria-pressed", "true")
    up(page).click()
    expect(up(page)).to_have_attribute("aria-pressed", "false")

    assert given(page, wire, 2) == [("up", "", ""), ("none", "", "")]
    expect(page.locator(".feedback")).to_have_count(0)


def test_thumb_down_counts_at_once_and_asks_why(
    page: Page, wire: Wire, told: PlayedConversation
) -> None:
    wire.answers["feedback"] = done
    down(page).click()
    expect(page.locator(".feedback")).to_be_visible()
    assert given(page, wire, 1) == [("down", "", "")]

    page.locator(".feedback [value=unsafe]").check()
    page.locator(".feedback textarea").fill("他会伤到自己")
    page.locator(".feedback [type=submit]").click()

    assert given(page, wire, 2)[1] == ("down", "unsafe", "他会伤到自己")
    expect(page.locator(".feedback")).to_have_count(0)
    expect(down(page)).to_have_attribute("aria-pressed", "true")
    expect(down(page)).to_be_focused()


def test_escape_closes_the_form_and_keeps_the_thumb(
    page: Page, wire: Wire, told: PlayedConversation
) -> None:
    wire.answers["feedback"] = done
    down(page).click()
    expect(page.locator(".feedback input").first).to_be_focused()

    page.keyboard.press("Escape")

    expect(page.locator(".feedback")).to_have_count(0)
    expect(down(page)).to_be_focused()
    assert given(page, wire, 1) == [("down", "", "")]


@pytest.mark.parametrize("sign", ["isComposing: true", "keyCode: 229"])
def test_escape_of_an_input_method_does_not_close_the_form(
    page: Page, wire: Wire, told: PlayedConversation, sign: str
) -> None:
    wire.answers["feedback"] = done
    down(page).click()
    comment = page.locator(".feedback textarea")
    comment.fill("他会")

    comment.evaluate(ESCAPE % sign)

    expect(comment).to_have_value("他会")
    expect(comment).to_be_visible()


def test_comment_that_is_refused_is_not_lost(
    page: Page, wire: Wire, told: PlayedConversation
) -> None:
    wire.answers["feedback"] = done
    down(page).click()
    page.locator(".feedback textarea").fill("奇怪")
    wire.answers["feedback"] = lambda wire, note: wire.send(error("bad_text", note["id"], "不行。"))

    page.locator(".feedback [type=submit]").click()

    expect(page.locator(".feedback .refusal")).to_have_text("不行。")
    expect(page.locator(".feedback textarea")).to_have_value("奇怪")


def test_thumb_that_is_refused_is_not_pressed(
    page: Page, wire: Wire, told: PlayedConversation
) -> None:
    wire.answers["feedback"] = lambda wire, note: wire.send(error("disabled", note["id"]))

    up(page).click()

    assert given(page, wire, 1) == [("up", "", "")]
    expect(up(page)).to_have_attribute("aria-pressed", "false")


def test_thumb_given_without_a_connection_is_sent_later(
    page: Page, wire: Wire, told: PlayedConversation, visitor: Visitor
) -> None:
    visitor.expected = NO_CONNECTION
    wire.welcomes = False
    wire.close(4012)

    up(page).click()
    expect(up(page)).to_have_attribute("aria-pressed", "true")
    assert wire.of_type("feedback") == []
    wire.welcomes = True
    wait_for(page, lambda: len(wire.connections) > 1)
    wire.close(4012)

    assert given(page, wire, 1) == [("up", "", "")]


def test_what_was_given_before_is_shown(page: Page, wire: Wire, told: PlayedConversation) -> None:
    told.messages[-1]["feedback"] = {"value": "up", "reason": "", "comment": ""}

    page.reload()

    expect(up(page)).to_have_attribute("aria-pressed", "true")
    expect(down(page)).to_have_attribute("aria-pressed", "false")


def test_copy_takes_the_text_as_it_was_written(page: Page, wire: Wire, visitor: Visitor) -> None:
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    conversation = PlayedConversation()
    conversation.exchange("你好", "先**安全**，再说。")
    conversation.open(page, wire)

    last_reply(page).locator(".copy").click()

    expect(last_reply(page).locator(".copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "先**安全**，再说。"


def test_time_is_there_for_a_finger_and_a_screen_reader(
    page: Page, told: PlayedConversation
) -> None:
    for message in (page.locator(".question"), page.locator(".reply")):
        time = message.locator("time.at")
        expect(time).to_have_attribute("datetime", told.messages[0]["at"])
        expect(time).not_to_be_empty()


@pytest.fixture
def unanswered(page: Page, wire: Wire) -> PlayedConversation:
    conversation = PlayedConversation()
    none = conversation.exchange("没人答过的", "还没有专家回答过")
    none.update(finish="no_answer", notice_wanted=True)
    conversation.open(page, wire)
    return conversation


def wish(page: Page) -> Locator:
    return last_reply(page).get_by_role("switch")


def test_who_asked_what_nobody_answered_will_be_told(
    page: Page, wire: Wire, unanswered: PlayedConversation
) -> None:
    wire.answers["notify"] = done
    expect(last_reply(page).locator(".no-answer-title")).to_be_visible()
    expect(wish(page)).to_be_checked()

    wish(page).press("Space")

    expect(wish(page)).not_to_be_checked()
    expect(wish(page)).to_be_focused()
    wait_for(page, lambda: wire.of_type("notify"))
    [note] = wire.of_type("notify")
    assert (note["message"], note["wanted"]) == (unanswered.messages[-1]["id"], False)


def test_wish_that_is_refused_goes_back(
    page: Page, wire: Wire, unanswered: PlayedConversation
) -> None:
    wire.answers["notify"] = lambda wire, note: wire.send(error("not_found", note["id"]))

    wish(page).click()

    wait_for(page, lambda: wire.of_type("notify"))
    expect(wish(page)).to_be_checked()


def test_thumb_and_wish_are_there_after_a_reload(
    expert_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(expert_site.url)
    ask(page, "怎么修理汽车的变速箱？")
    expect_settled(page)
    expect(wish(page)).to_be_checked()

    wish(page).click()
    down(page).click()
    page.locator(".feedback [value=other]").check()
    page.locator(".feedback [type=submit]").click()
    expect(page.locator(".feedback")).to_have_count(0)
    page.reload()

    expect(wish(page)).not_to_be_checked()
    expect(down(page)).to_have_attribute("aria-pressed", "true")


def test_thumb_is_seen_in_another_tab_and_closes_nothing(
    expert_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(expert_site.url)
    ask(page, "怎么修理汽车的变速箱？")
    expect_settled(page)
    other = english_visitor.visit(page.url)
    expect(up(other)).to_have_attribute("aria-pressed", "false")
    card = other.locator(".no-answer").last.element_handle()

    up(page).click()

    expect(up(other)).to_have_attribute("aria-pressed", "true")
    assert card.evaluate("element => element.isConnected")
