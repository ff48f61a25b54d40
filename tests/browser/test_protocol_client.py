"""The client's rules of docs/protocol.md, against a server that a test plays."""

import hashlib
import json
import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.visitor import (
    NO_CONNECTION,
    Visitor,
    ask,
    expect_settled,
    last_question,
    last_reply,
)
from tests.browser.wire import Frame, Turn, Wire, error, synced, wait_for
from tests.serving import ChatServer


def checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.fixture
def page(visitor: Visitor) -> Page:
    return visitor.context.new_page()


@pytest.fixture
def wire(page: Page, expert_site: ChatServer) -> Wire:
    """Of a page that is open and welcomed."""
    played = Wire(page)
    page.goto(expert_site.url)
    expect(page.locator("[data-mode=model]")).to_be_visible()
    return played


@pytest.fixture
def english_page(english_visitor: Visitor, expert_site: ChatServer) -> Page:
    """It has been open before, so that a test can begin with a connection of its own."""
    page = english_visitor.context.new_page()
    page.goto(expert_site.url)
    return page


@pytest.fixture
def turn(wire: Wire) -> Turn:
    """What the next message begins."""
    begun = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(begun.accepted(send))
    return begun


def begin(page: Page) -> None:
    ask(page, "你好")
    expect(last_reply(page)).to_be_visible()


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

    expect(last_question(page)).to_have_text("还有")
    assert wire.of_type("send")[-1]["parent"] == turn.message


def test_what_is_known_already_is_dropped(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(turn.text("一", "1-1"), turn.text("二", "1-2"))

    again = Turn()
    again.id = turn.id
    wire.send(again.text("一", "1-1"), again.text("二", "1-2"), turn.text("三", "1-3"))

    expect(last_reply(page).locator(".tail")).to_have_text("一二三")


def test_gap_is_asked_for(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(turn.text("一", "1-1"))
    lost = turn.text("二", "1-2")
    wire.answers["subscribe"] = lambda wire, asked: wire.send(
        synced(asked, turn), lost | {"cursor": "1-3", "text": "二三"}
    )

    wire.send(turn.text("三", "1-3"))

    expect(last_reply(page).locator(".tail")).to_have_text("一二三")
    [asked] = wire.of_type("subscribe")
    assert asked["turn"] == {"id": turn.id, "cursor": "1-1"}


def test_restart_takes_text_back(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(
        turn.text("保留。\n\n丢掉", "1-1"),
        turn.event("1-2", kind="block", start=0, end=5, html="<p>保留。</p>"),
    )
    expect(last_reply(page).locator(".tail")).to_have_text("丢掉")

    wire.send(turn.event("2-1", kind="restarted", keep=5, why="upstream"))
    wire.send(turn.text("新的", "2-2"))

    expect(last_reply(page).locator(".blocks")).to_have_text("保留。")
    expect(last_reply(page).locator(".tail")).to_have_text("新的")


def test_restart_from_nothing_forgets_all_blocks(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(
        turn.text("丢掉", "1-1"),
        turn.event("1-2", kind="block", start=0, end=2, html="<p>丢掉</p>"),
        turn.event("2-1", kind="restarted", keep=0, why="worker_lost"),
    )

    expect(last_reply(page).get_by_text("刚才中断了，正在重新写…")).to_be_visible()
    expect(last_reply(page).locator(".blocks")).to_be_empty()


def test_snapshot_replaces_the_text(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(turn.text("半", "1-1"))

    block = {"start": 0, "end": 2, "html": "<p>全文</p>"}
    wire.send(
        {"type": "snapshot", "turn": turn.id, "cursor": "2-9", "text": "全文", "blocks": [block]}
    )

    expect(last_reply(page).locator(".blocks")).to_have_text("全文")
    expect(last_reply(page).locator(".tail")).to_be_empty()


def test_text_goes_on_after_a_snapshot(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(turn.text("第一段。\n\n第", "1-1"))
    first = {"start": 0, "end": 6, "html": "<p>第一段。</p>"}
    wire.send(turn.event("1-2", kind="block", **first))
    expect(last_reply(page).locator(".blocks")).to_have_text("第一段。")

    text = "第一段。\n\n第二"
    wire.send(
        {"type": "snapshot", "turn": turn.id, "cursor": "1-7", "text": text, "blocks": [first]},
        {"type": "text", "turn": turn.id, "after": "1-7", "cursor": "1-8", "text": "段。"},
    )

    expect(last_reply(page).locator(".tail")).to_have_text("第二段。")
    expect(last_reply(page).locator(".blocks")).to_have_text("第一段。")
    expect(last_reply(page)).to_have_attribute("data-state", "writing")
    expect(page.locator("#announcer").get_by_text("第一段。")).to_have_count(1)


def test_snapshot_of_what_is_known_already_is_dropped(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(turn.text("一二", "1-2"))

    wire.send({"type": "snapshot", "turn": turn.id, "cursor": "1-1", "text": "一", "blocks": []})
    wire.send(turn.text("三", "1-3"))

    expect(last_reply(page).locator(".tail")).to_have_text("一二三")


def test_gap_that_stays_is_filled_from_the_beginning(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(turn.text("一", "1-1"))
    beyond = {"type": "text", "turn": turn.id, "after": "1-5", "cursor": "1-6", "text": "六"}

    def answer(wire: Wire, asked: Frame) -> None:
        wire.send(synced(asked, turn))
        begun = {"type": "text", "turn": turn.id, "after": "0-0", "cursor": "1-5", "text": "一至五"}
        wire.send(*([begun] if asked["turn"]["cursor"] == "0-0" else []), beyond)

    wire.answers["subscribe"] = answer

    wire.send(beyond)

    expect(last_reply(page).locator(".tail")).to_have_text("一至五六")
    assert [asked["turn"]["cursor"] for asked in wire.of_type("subscribe")] == ["1-1", "0-0"]


def test_reply_that_differs_from_the_stored_one_is_fetched(
    page: Page, wire: Wire, turn: Turn
) -> None:
    begin(page)
    page.route(f"**/api/messages/{turn.message}", stored(turn, wire))

    wire.send(turn.text("走样", "1-1"), turn.end("1-2", length=2, sha256=checksum("原样")))

    expect(last_reply(page).locator(".blocks")).to_have_text("原样")


def stored(turn: Turn, wire: Wire) -> Callable[[Route], None]:
    message = {
        "id": turn.message,
        "role": "assistant",
        "text": "原样",
        "html": "<p>原样</p>",
        "parent": wire.of_type("send")[0]["id"],
        "status": "done",
        "sources": [],
        "rev": 2,
    }
    return lambda route: route.fulfill(body=json.dumps(message), content_type="application/json")


def test_stored_reply_that_cannot_be_fetched_comes_with_the_next_sync(
    page: Page, wire: Wire, turn: Turn, visitor: Visitor
) -> None:
    visitor.expected = NO_CONNECTION
    begin(page)
    page.route("**/api/messages/*", lambda route: route.abort())
    wire.send(turn.text("走样", "1-1"))
    with page.expect_event("requestfailed"):
        wire.send(turn.end("1-2", length=2, sha256=checksum("原样")))

    wire.close(4012)

    wait_for(page, lambda: wire.of_type("subscribe"))
    [asked] = wire.of_type("subscribe")
    assert asked["rev"] == 0


def test_length_counts_as_javascript_does(page: Page, wire: Wire, turn: Turn) -> None:
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    begin(page)

    wire.send(turn.text("😀", "1-1"), turn.end("1-2", length=2, sha256=checksum("😀")))

    expect_settled(page)
    assert not [url for url in fetched if "/api/messages/" in url]


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

    expect(english_page.get_by_role("status")).to_contain_text(words)
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
    expect(english_page.get_by_role("status").locator("p:visible")).to_have_count(0)


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


def test_unknown_frames_and_fields_are_ignored(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)

    wire.send(
        {"type": "weather", "sunny": True},
        turn.event("1-1", kind="pondering", depth=3),
        turn.text("嗯", "1-2") | {"mood": "fine"},
    )

    expect(last_reply(page).locator(".tail")).to_have_text("嗯")
