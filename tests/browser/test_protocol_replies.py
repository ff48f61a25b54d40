"""The client's rules for the pieces of a reply, against a server that a test plays."""

import json
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.browser.played_conversation import PlayedConversation
from tests.browser.played_turn import begin, checksum
from tests.browser.visitor import NO_CONNECTION, Visitor, expect_settled, last_reply
from tests.browser.wire import Frame, Turn, Wire, synced, wait_for


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


def test_end_that_comes_by_sync_is_said(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)
    wire.send(turn.text("第一句。", "1-1"))
    expect(page.locator("#announcer")).to_contain_text("第一句。")
    [asked] = wire.of_type("send")
    stored = PlayedConversation(id=asked["conversation"])
    stored.question("你好")["id"] = asked["id"]
    stored.reply("第一句。第二句。", stored.messages[0])["id"] = turn.message
    wire.answers["subscribe"] = lambda wire, asked: wire.send(stored.sync())

    wire.send({"type": "changed", "conversation": stored.id, "rev": 9})

    expect_settled(page)
    expect(page.locator("#announcer").get_by_text("第二句。", exact=True)).to_have_count(1)
    expect(page.locator("#announcer").get_by_text("第一句。")).to_have_count(1)


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


def test_unknown_frames_and_fields_are_ignored(page: Page, wire: Wire, turn: Turn) -> None:
    begin(page)

    wire.send(
        {"type": "weather", "sunny": True},
        turn.event("1-1", kind="pondering", depth=3),
        turn.text("嗯", "1-2") | {"mood": "fine"},
    )

    expect(last_reply(page).locator(".tail")).to_have_text("嗯")
