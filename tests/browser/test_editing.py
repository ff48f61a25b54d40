"""A question is asked anew in other words; the first wording stays within reach."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.played_conversation import PlayedConversation
from tests.browser.visitor import Visitor, ask, expect_settled, last_question, last_reply
from tests.browser.wire import Turn, Wire, error, wait_for
from tests.serving import ChatServer

ESCAPE_OF_AN_INPUT_METHOD = """field => field.dispatchEvent(new KeyboardEvent(
    "keydown", { key: "Escape", isComposing: true, bubbles: true, cancelable: true }))"""


@pytest.fixture
def told(page: Page, wire: Wire) -> PlayedConversation:
    conversation = PlayedConversation()
    first = conversation.exchange("他不睡觉", "先看作息")
    conversation.exchange("还是不睡", "再看灯光", first)
    conversation.open(page, wire)
    return conversation


def edit(page: Page, index: int) -> None:
    question = page.locator(".question").nth(index)
    question.hover()
    question.locator(".edit").click()
    expect(question.locator(".editor textarea")).to_be_focused()


def test_edit_is_a_sibling_of_what_it_replaces(
    page: Page, wire: Wire, told: PlayedConversation
) -> None:
    turn = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send, rev=5))
    edit(page, 1)
    expect(page.locator(".editor textarea")).to_have_value("还是不睡")

    page.locator(".editor textarea").fill("他三点就醒")
    page.locator(".editor [type=submit]").click()

    expect(page.locator(".question-text")).to_have_text(["他不睡觉", "他三点就醒"])
    wait_for(page, lambda: wire.of_type("send"))
    [send] = wire.of_type("send")
    assert (send["text"], send["parent"]) == ("他三点就醒", told.messages[1]["id"])
    expect(page.locator(".question").last.locator(".count")).to_have_text("2 / 2")
    page.locator(".older").click()
    expect(page.locator(".question-text")).to_have_text(["他不睡觉", "还是不睡"])
    expect(last_reply(page).locator(".blocks")).to_have_text("再看灯光")


def test_edit_of_the_first_question_begins_at_the_root(
    page: Page, wire: Wire, told: PlayedConversation
) -> None:
    wire.answers["send"] = lambda wire, send: wire.send(Turn().accepted(send, rev=5))
    edit(page, 0)

    page.locator(".editor textarea").fill("她不睡觉")
    page.keyboard.press("Enter")

    expect(page.locator(".question-text")).to_have_text(["她不睡觉"])
    wait_for(page, lambda: wire.of_type("send"))
    [send] = wire.of_type("send")
    assert send["parent"] is None


def test_escape_gives_the_edit_up(page: Page, told: PlayedConversation) -> None:
    edit(page, 1)
    page.locator(".editor textarea").fill("别的")

    page.locator(".editor textarea").evaluate(ESCAPE_OF_AN_INPUT_METHOD)
    expect(page.locator(".editor textarea")).to_have_value("别的")
    page.keyboard.press("Escape")

    expect(page.locator(".editor")).to_have_count(0)
    expect(last_question(page)).to_have_text("还是不睡")
    expect(page.locator(".edit").last).to_be_focused()


def test_escape_gives_the_edit_up_from_its_buttons_too(
    page: Page, told: PlayedConversation
) -> None:
    edit(page, 1)

    page.locator(".editor .cancel").press("Escape")

    expect(page.locator(".editor")).to_have_count(0)


def test_half_written_edit_is_there_when_the_conversation_is_opened_again(
    page: Page, told: PlayedConversation
) -> None:
    edit(page, 1)
    page.locator(".editor textarea").fill("他三点")
    page.keyboard.press("Control+Shift+O")
    expect(page.locator(".question")).to_have_count(0)
    page.go_back()

    edit(page, 1)

    expect(page.locator(".editor textarea")).to_have_value("他三点")


def test_half_written_edit_outlives_a_reload_beside_that_of_another_question(
    page: Page, told: PlayedConversation
) -> None:
    for index, text in enumerate(("她", "他三点")):
        edit(page, index)
        page.locator(".editor textarea").nth(index).fill(text)
    page.reload()

    page.locator(".edit").first.click()
    page.locator(".edit").last.click()

    expect(page.locator(".editor")).to_have_count(2)
    assert [field.input_value() for field in page.locator(".editor textarea").all()] == [
        "她",
        "他三点",
    ]


def test_edit_that_was_given_up_begins_with_the_question_again(
    page: Page, told: PlayedConversation
) -> None:
    edit(page, 1)
    page.locator(".editor textarea").fill("别的")
    page.locator(".editor .cancel").click()

    edit(page, 1)

    expect(page.locator(".editor textarea")).to_have_value("还是不睡")


def test_edit_that_was_sent_begins_with_the_question_again(
    page: Page, wire: Wire, told: PlayedConversation
) -> None:
    wire.answers["send"] = lambda wire, send: wire.send(Turn().accepted(send, rev=5))
    edit(page, 1)
    page.locator(".editor textarea").fill("他三点就醒")
    page.keyboard.press("Enter")
    page.locator(".older").click()
    expect(page.locator(".question-text").last).to_have_text("还是不睡")

    edit(page, 1)

    expect(page.locator(".editor textarea")).to_have_value("还是不睡")


def test_arrow_up_in_an_empty_field_edits_the_last_question(
    page: Page, told: PlayedConversation
) -> None:
    page.locator("#question").fill("有")
    page.locator("#question").press("ArrowUp")
    expect(page.locator(".editor")).to_have_count(0)
    page.locator("#question").fill("")

    page.locator("#question").press("ArrowUp")

    expect(page.locator(".editor textarea")).to_be_focused()
    expect(page.locator(".editor textarea")).to_have_value("还是不睡")


def test_edit_that_is_refused_says_so_and_can_be_taken_back(
    page: Page, wire: Wire, told: PlayedConversation
) -> None:
    wire.answers["send"] = lambda wire, send: wire.send(error("bad_text", send["id"], "不行。"))
    edit(page, 1)
    page.locator(".editor textarea").fill("奇怪")
    page.keyboard.press("Enter")
    expect(page.locator(".refusal").last).to_have_text("不行。")

    page.locator(".withdraw").last.click()

    expect(page.locator(".question-text")).to_have_text(["他不睡觉", "还是不睡"])


def test_edit_that_is_sent_again_keeps_its_place(
    page: Page, wire: Wire, told: PlayedConversation
) -> None:
    wire.answers["send"] = lambda wire, send: wire.send(error("bad_text", send["id"], "不行。"))
    edit(page, 1)
    page.locator(".editor textarea").fill("奇怪")
    page.keyboard.press("Enter")

    page.locator(".resend").last.click()

    wait_for(page, lambda: len(wire.of_type("send")) == 2)
    assert {send["parent"] for send in wire.of_type("send")} == {told.messages[1]["id"]}


def test_edit_while_a_reply_is_written_stops_it(page: Page, wire: Wire, turn: Turn) -> None:
    ask(page, "你好")
    expect(last_reply(page)).to_have_attribute("aria-busy", "true")
    edit(page, 0)

    page.locator(".editor textarea").fill("您好")
    page.keyboard.press("Enter")

    wait_for(page, lambda: wire.of_type("stop"))
    assert wire.of_type("stop")[0]["turn"] == turn.id
    expect(last_question(page)).to_have_text("您好")


def test_both_wordings_are_stored(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    ask(page, "你好")
    expect_settled(page)
    page.locator(".edit").click()
    page.locator(".editor textarea").fill("谢谢")
    page.keyboard.press("Enter")
    expect(page.locator(".question .count")).to_have_text(["2 / 2"])
    expect_settled(page)

    page.reload()

    expect(page.locator(".question-text")).to_have_text(["谢谢"])
    page.locator(".older").click()
    expect(page.locator(".question-text")).to_have_text(["你好"])
    expect(page.locator(".reply")).to_have_count(1)
