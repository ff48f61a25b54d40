"""The client's rules for messages and conversations, against a server that a test plays."""

import re
import uuid

from playwright.sync_api import Page, expect

from tests.browser.played_turn import begin, checksum
from tests.browser.visitor import ask, expect_settled, last_question, last_reply
from tests.browser.wire import Turn, Wire, error, synced, wait_for


def test_message_has_ids_of_version_seven_and_no_parent(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)

    [send] = wire.of_type("send")
    assert uuid.UUID(send["id"]).version == 7
    assert uuid.UUID(send["conversation"]).version == 7
    assert send["parent"] is None
    assert send["text"] == "你好"
    assert page.url.endswith(f"/c/{send['conversation']}")


def test_next_message_names_the_reply_before_it(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(turn.text("嗯", "1-1"), turn.end("1-2", length=1, sha256=checksum("嗯")))
    expect_settled(page)

    ask(page, "还有")

    wait_for(page, lambda: len(wire.of_type("send")) > 1)
    assert wire.of_type("send")[-1]["parent"] == turn.message


def test_change_told_of_is_fetched(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(turn.text("嗯", "1-1"), turn.end("1-2", length=1, sha256=checksum("嗯")))
    expect_settled(page)
    [send] = wire.of_type("send")
    wire.answers["subscribe"] = lambda wire, asked: wire.send(
        synced(asked, turn)
        | {
            "rev": 3,
            "turn": None,
            "messages": [{"id": str(uuid.uuid4()), "role": "user", "text": "别处写的", "rev": 3}],
        }
    )

    wire.send({"type": "changed", "conversation": send["conversation"], "rev": 3})

    expect(last_question(page)).to_have_text("别处写的")
    assert [asked["rev"] for asked in wire.of_type("subscribe")] == [2]


def test_reply_whose_question_is_too_far_back_is_shown(page: Page, wire: Wire) -> None:
    conversation, question = str(uuid.uuid4()), str(uuid.uuid4())
    reply = {
        "id": str(uuid.uuid4()),
        "role": "assistant",
        "text": "很长",
        "html": "<p>很长</p>",
        "parent": question,
        "status": "done",
        "sources": [],
        "rev": 2,
    }
    wire.answers["subscribe"] = lambda wire, asked: wire.send(
        synced(asked, Turn()) | {"rev": 2, "full": True, "turn": None, "messages": [reply]}
    )
    earlier = re.compile(rf"/api/conversations/{conversation}\?before={reply['id']}$")
    page.route(earlier, lambda route: route.fulfill(json={"messages": []}))

    with page.expect_response(earlier):
        page.goto(f"{page.url}c/{conversation}")

    expect(last_reply(page).locator(".blocks")).to_have_text("很长")


def test_revision_that_skips_one_is_asked_for(page: Page, wire: Wire, turn: Turn) -> None:
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send, rev=4))
    wire.answers["subscribe"] = lambda wire, asked: wire.send(synced(asked, turn) | {"rev": 4})

    begin(page)
    wire.send(turn.text("嗯", "1-1"))

    expect(last_reply(page)).to_contain_text("嗯")
    assert [asked["rev"] for asked in wire.of_type("subscribe")] == [0]


def test_busy_conversation_is_tried_again(page: Page, wire: Wire) -> None:
    refusals = [error("busy"), error("unavailable")]

    def answer(wire: Wire, send: dict[str, str]) -> None:
        refusal = refusals.pop(0) if refusals else None
        wire.send(refusal | {"id": send["id"]} if refusal else Turn().accepted(send))

    wire.answers["send"] = answer

    ask(page, "你好")

    expect(last_reply(page)).to_be_visible()
    assert len({frame["id"] for frame in wire.of_type("send")}) == 1
    assert len(wire.of_type("send")) == 3


def test_refused_message_is_kept_with_the_reason(page: Page, wire: Wire, turn: Turn) -> None:
    accept = wire.answers["send"]
    wire.answers["send"] = lambda wire, send: wire.send(
        error("bad_text", send["id"], "文字里有不允许的字符。")
    )
    ask(page, "奇怪")
    expect(page.locator(".refusal")).to_have_text("文字里有不允许的字符。")
    wire.answers["send"] = accept

    page.get_by_role("button", name="再试一次").click()

    expect(last_reply(page)).to_be_visible()
    expect(page.locator(".question")).to_have_count(1)
    assert len({frame["id"] for frame in wire.of_type("send")}) == 2
