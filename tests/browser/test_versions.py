"""Versions of a reply or a question: one way through them is shown, all can be reached."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.played_conversation import PlayedConversation
from tests.browser.played_turn import begin, checksum
from tests.browser.visitor import Visitor, ask, expect_settled, last_question, last_reply
from tests.browser.wire import Frame, Turn, Wire, wait_for
from tests.serving import ChatServer


def older(message: Locator) -> Locator:
    return message.locator(".older")


def newer(message: Locator) -> Locator:
    return message.locator(".newer")


def count(message: Locator) -> Locator:
    return message.locator(".count")


@pytest.fixture
def told(page: Page, wire: Wire) -> PlayedConversation:
    """One question with two replies; the first was answered by another question."""
    conversation = PlayedConversation()
    first = conversation.exchange("为什么？", "第一个回答")
    conversation.exchange("然后呢？", "然后这样", first)
    conversation.reply("第二个回答", conversation.messages[0])
    conversation.open(page, wire)
    return conversation


def test_newest_version_is_shown_first(page: Page, told: PlayedConversation) -> None:
    expect(page.locator(".reply .blocks")).to_have_text(["第二个回答"])
    expect(count(last_reply(page))).to_have_text("2 / 2")
    expect(page.locator(".question")).to_have_count(1)


def test_older_version_brings_what_followed_it(page: Page, told: PlayedConversation) -> None:
    older(page.locator(".reply")).click()

    expect(page.locator(".reply .blocks")).to_have_text(["第一个回答", "然后这样"])
    expect(last_question(page)).to_have_text("然后呢？")
    expect(count(page.locator(".reply").first)).to_have_text("1 / 2")


def test_versions_can_be_flipped_by_keyboard_alone(page: Page, told: PlayedConversation) -> None:
    older(page.locator(".reply")).focus()

    page.keyboard.press("Enter")

    first = page.locator(".reply").first
    expect(older(first)).to_be_focused()
    expect(older(first)).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#announcer")).to_contain_text(re.compile("1.+2"))
    page.keyboard.press("Tab")
    expect(newer(first)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".reply .blocks")).to_have_text(["第二个回答"])
    expect(newer(page.locator(".reply"))).to_be_focused()


def test_version_that_was_chosen_outlives_a_reload(page: Page, told: PlayedConversation) -> None:
    older(page.locator(".reply")).click()
    expect(page.locator(".reply")).to_have_count(2)

    page.reload()

    expect(page.locator(".reply .blocks")).to_have_text(["第一个回答", "然后这样"])


def test_next_question_continues_what_is_shown(
    page: Page, wire: Wire, told: PlayedConversation
) -> None:
    older(page.locator(".reply")).click()
    expect(page.locator(".reply")).to_have_count(2)

    ask(page, "还有呢？")

    wait_for(page, lambda: wire.of_type("send"))
    [send] = wire.of_type("send")
    assert send["parent"] == told.messages[2 + 1]["id"]


def test_reply_without_a_sibling_has_no_versions(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(turn.text("嗯", "1-1"), turn.end("1-2", length=1, sha256=checksum("嗯")))
    expect_settled(page)

    expect(last_reply(page).locator(".versions")).to_have_count(0)


def test_another_reply_stands_beside_the_first(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(turn.text("嗯", "1-1"), turn.end("1-2", length=1, sha256=checksum("嗯")))
    expect_settled(page)
    again = Turn()
    wire.answers["regenerate"] = lambda wire, asked: wire.send(accepted(again, asked, wire))

    last_reply(page).locator(".regenerate").click()
    expect(last_reply(page)).to_have_attribute("aria-busy", "true")
    wire.send(again.text("好", "1-1"), again.end("1-2", length=1, sha256=checksum("好"), rev=4))

    expect(page.locator(".reply .tail")).to_have_text(["好"])
    expect(count(last_reply(page))).to_have_text("2 / 2")
    [asked] = wire.of_type("regenerate")
    assert asked["message"] == turn.message
    older(last_reply(page)).click()
    expect(page.locator(".reply .tail")).to_have_text(["嗯"])


def accepted(turn: Turn, asked: Frame, wire: Wire) -> Frame:
    conversation = wire.of_type("send")[0]["conversation"]
    return turn.accepted({"id": asked["id"], "conversation": conversation}, rev=3)


def test_keyboard_stays_with_the_reply_that_is_written_anew(
    page: Page, wire: Wire, turn: Turn
) -> None:
    begin(page)
    wire.send(turn.text("嗯", "1-1"), turn.end("1-2", length=1, sha256=checksum("嗯")))
    expect_settled(page)
    wire.answers["regenerate"] = lambda wire, asked: wire.send(accepted(Turn(), asked, wire))
    last_reply(page).locator(".regenerate").focus()

    page.keyboard.press("Enter")

    expect(last_reply(page)).to_have_attribute("aria-busy", "true")
    expect(last_reply(page)).to_be_focused()


def test_answer_that_came_later_is_shown_and_said(
    page: Page, wire: Wire, told: PlayedConversation
) -> None:
    conversation = PlayedConversation()
    none = conversation.exchange("没人答过的", "还没有专家回答过")
    none.update(finish="no_answer", notice_wanted=True)
    conversation.open(page, wire)
    later = conversation.reply("专家的回答", conversation.messages[0])
    later.update(grounding="verbatim", sources=[{"title": "题", "text": "专家的回答"}])
    wire.answers["subscribe"] = lambda wire, asked: wire.send(
        conversation.sync() | {"full": False, "messages": [later]}
    )

    wire.send({"type": "changed", "conversation": conversation.id, "rev": 3})

    expect(last_reply(page).locator(".blocks")).to_have_text("专家的回答")
    expect(last_reply(page).locator(".since")).to_be_visible()
    said = last_reply(page).locator(".since").inner_text()
    expect(page.locator("#announcer")).to_contain_text(said)


def test_answer_that_came_later_hides_nothing_that_was_said_since(page: Page, wire: Wire) -> None:
    conversation = PlayedConversation()
    none = conversation.exchange("没人答过的", "还没有专家回答过")
    none.update(finish="no_answer", notice_wanted=True)
    conversation.exchange("那别的呢？", "别的是这样", none)
    conversation.open(page, wire)
    later = conversation.reply("专家的回答", conversation.messages[0])
    later.update(grounding="verbatim", sources=[{"title": "题", "text": "专家的回答"}])
    none.update(notice_wanted=False, rev=later["rev"])
    wire.answers["subscribe"] = lambda wire, asked: wire.send(
        conversation.sync() | {"full": False, "messages": [none, later]}
    )

    wire.send({"type": "changed", "conversation": conversation.id, "rev": later["rev"]})

    first = page.locator(".reply").first
    expect(first.locator(".since p")).to_be_visible()
    said = first.locator(".since p").inner_text()
    expect(page.locator("#announcer")).to_contain_text(said)
    expect(page.locator(".reply .blocks")).to_have_text(["还没有专家回答过", "别的是这样"])
    conversation.open(page, wire)
    expect(page.locator(".reply .blocks")).to_have_text(["还没有专家回答过", "别的是这样"])
    first.locator(".to-late").click()
    expect(page.locator(".reply .blocks")).to_have_text(["专家的回答"])


def test_versions_of_the_real_server_can_be_flipped_on_a_desk(
    expert_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(expert_site.url)
    ask(page, "How do I handle my child's meltdowns?")
    expect_settled(page)

    last_reply(page).get_by_role("button", name="Another reply").click()
    expect(count(last_reply(page))).to_have_text("2 / 2")
    expect_settled(page)
    older(last_reply(page)).click()
    expect(count(last_reply(page))).to_have_text("1 / 2")
    page.reload()

    expect(count(last_reply(page))).to_have_text("1 / 2")
    expect(page.locator(".reply")).to_have_count(1)
