"""Every frame that the server sends, to the key, as protocol.md shows it."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import wire_format
from chat.turn.cursor import Cursor
from chat.turn.events import (
    Block,
    Ended,
    Found,
    JsonValue,
    LogEvent,
    Notice,
    Outcome,
    Restarted,
    Searching,
    Source,
    Started,
    TextDelta,
    Usage,
)
from chat.turn.utf16 import utf16_length
from chat.wire_format import (
    Accepted,
    ConversationEntry,
    ConversationView,
    MessageView,
    TurnView,
)

SEND = UUID("0197a1b2-0000-7000-8000-000000000001")
CONVERSATION = UUID("0197a1b2-0000-7000-8000-000000000002")
REPLY = UUID("0197a1b2-0000-7000-8000-000000000003")
TURN = UUID("0197a1b2-0000-7000-8000-000000000004")
BEFORE, AFTER = Cursor(2, 80), Cursor(2, 81)
AT = datetime(2026, 5, 1, 8, 30, 5, 123_456, tzinfo=UTC)
SOURCE = Source(
    answer="a1",
    version=3,
    title="孩子撞头怎么办",
    expert="李医生",
    role="儿科医生",
    reviewed_at=date(2026, 5, 1),
    overdue=False,
    score=0.912345,
    text="抱住他。",
    url=None,
)
SOURCE_FRAME: dict[str, JsonValue] = {
    "answer": "a1",
    "version": 3,
    "title": "孩子撞头怎么办",
    "expert": "李医生",
    "role": "儿科医生",
    "reviewed_at": "2026-05-01",
    "overdue": False,
    "score": 0.9123,
    "text": "抱住他。",
    "url": None,
    "certain": False,
    "html": "<p>抱住他。</p>\n",
}
USAGE = Usage(input_tokens=812, output_tokens=160, estimated=False)
USAGE_FRAME: dict[str, JsonValue] = {"input_tokens": 812, "output_tokens": 160, "estimated": False}
ASKED = MessageView(
    id=SEND,
    role="user",
    text="孩子撞头",
    html=None,
    parent=None,
    status="done",
    finish="",
    grounding="",
    sources=[],
    suggestions=[],
    usage=None,
    error="",
    at=AT,
    rev=42,
)
FAILED = MessageView(
    id=REPLY,
    role="assistant",
    text="抱住😀",
    html="<p>抱住😀</p>",
    parent=SEND,
    status="failed",
    finish="stop",
    grounding="answer",
    sources=[SOURCE_FRAME],
    suggestions=["孩子不睡觉怎么办"],
    usage=USAGE_FRAME,
    error="upstream_reset",
    at=AT,
    rev=45,
)


def read(frame: str) -> Any:
    return json.loads(frame)


def ended(outcome: Outcome) -> Any:
    event = Ended(outcome=outcome, rev=45, length=1234, sha256="0123456789abcdef")
    return read(wire_format.logged(TURN, after=BEFORE, cursor=AFTER, event=event))


def test_welcome_tells_what_the_server_is_and_takes() -> None:
    frame = wire_format.welcome(
        server="b3", mode="model", name=None, signed_in=False, ping_seconds=20
    )

    assert read(frame) == {
        "type": "welcome",
        "protocol": 1,
        "server": "b3",
        "mode": "model",
        "visitor": {"name": None, "signed_in": False},
        "limits": {"frame": 16384, "text": 8192},
        "ping_seconds": 20,
    }


def test_sync_holds_the_messages_and_the_turn() -> None:
    view = ConversationView(
        conversation=CONVERSATION,
        rev=44,
        full=False,
        title="撞头",
        messages=(ASKED,),
        turn=TurnView(id=TURN, message=REPLY, status="running", attempt=1, last=None),
    )

    assert read(wire_format.sync(view)) == {
        "type": "sync",
        "conversation": str(CONVERSATION),
        "rev": 44,
        "full": False,
        "title": "撞头",
        "messages": [wire_format.message(ASKED)],
        "turn": {"id": str(TURN), "message": str(REPLY), "status": "running"},
    }


def test_sync_of_a_conversation_without_turns_has_none() -> None:
    view = ConversationView(
        conversation=CONVERSATION, rev=1, full=True, title="", messages=(), turn=None
    )

    assert read(wire_format.sync(view))["turn"] is None


def test_message_of_a_visitor_has_no_html() -> None:
    assert wire_format.message(ASKED) == {
        "id": str(SEND),
        "role": "user",
        "text": "孩子撞头",
        "html": None,
        "parent": None,
        "status": "done",
        "finish": None,
        "grounding": None,
        "sources": [],
        "suggestions": [],
        "error": None,
        "at": "2026-05-01T08:30:05.123Z",
        "rev": 42,
        "feedback": None,
        "notice_wanted": False,
    }


def test_reply_names_what_it_rests_on_and_why_it_failed() -> None:
    frame = wire_format.message(FAILED)

    assert frame["parent"] == str(SEND)
    assert frame["html"] == "<p>抱住😀</p>"
    assert frame["sources"] == [SOURCE_FRAME]
    assert frame["error"] == {"code": "upstream_reset"}


def test_conversation_in_the_list_is_an_entry() -> None:
    entry = ConversationEntry(id=CONVERSATION, title="撞头", rev=7, at=AT, token=None)

    assert wire_format.conversation_object(entry, site="https://example.org") == {
        "id": str(CONVERSATION),
        "title": "撞头",
        "rev": 7,
        "at": "2026-05-01T08:30:05.123Z",
        "shared": None,
    }


def test_shared_conversation_names_the_whole_address_of_its_copy() -> None:
    entry = ConversationEntry(id=CONVERSATION, title="撞头", rev=7, at=AT, token="a-b_c")

    told = wire_format.conversation_object(entry, site="https://example.org")

    assert told["shared"] == "https://example.org/s/a-b_c"


@pytest.mark.parametrize("duplicate", [False, True])
def test_accepted_names_the_turn_and_the_reply(duplicate: bool) -> None:  # noqa: FBT001
    values = Accepted(
        id=SEND, conversation=CONVERSATION, rev=42, turn=TURN, message=REPLY, duplicate=duplicate
    )

    assert read(wire_format.accepted(values)) == {
        "type": "accepted",
        "id": str(SEND),
        "conversation": str(CONVERSATION),
        "rev": 42,
        "turn": str(TURN),
        "message": str(REPLY),
        "duplicate": duplicate,
    }


def test_text_stands_between_two_cursors() -> None:
    frame = wire_format.text(TURN, after=Cursor(1, 57), cursor=Cursor(1, 61), text=" 抱住")

    assert read(frame) == {
        "type": "text",
        "turn": str(TURN),
        "after": "1-57",
        "cursor": "1-61",
        "text": " 抱住",
    }


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (Started(), {"kind": "started"}),
        (Searching(question="撞头"), {"kind": "searching", "question": "撞头"}),
        (Found(hits=3), {"kind": "found", "hits": 3}),
        (
            Block(start=0, end=4, html="<p>好</p>"),
            {"kind": "block", "start": 0, "end": 4, "html": "<p>好</p>"},
        ),
        (
            Notice(code="upstream_timeout", retry_ms=500),
            {"kind": "notice", "code": "upstream_timeout", "retry_ms": 500},
        ),
        (
            Restarted(keep=0, why="worker_lost"),
            {"kind": "restarted", "keep": 0, "why": "worker_lost"},
        ),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_event_is_told_by_its_kind(event: LogEvent, shown: dict[str, object]) -> None:
    frame = wire_format.logged(TURN, after=Cursor(1, 2), cursor=Cursor(1, 3), event=event)

    assert read(frame) == {
        "type": "event",
        "turn": str(TURN),
        "after": "1-2",
        "cursor": "1-3",
        "event": shown,
    }


def test_text_is_no_event_frame() -> None:
    with pytest.raises(TypeError):
        wire_format.event_object(TextDelta(text="x"))


def test_end_tells_the_outcome_and_how_to_check_the_text() -> None:
    outcome = Outcome(
        grounding="answer", sources=(SOURCE,), suggestions=("孩子不睡觉怎么办",), usage=USAGE
    )

    assert ended(outcome) == {
        "type": "end",
        "turn": str(TURN),
        "after": "2-80",
        "cursor": "2-81",
        "status": "done",
        "finish": "stop",
        "grounding": "answer",
        "rev": 45,
        "length": 1234,
        "sha256": "0123456789abcdef",
        "sources": [SOURCE_FRAME],
        "suggestions": ["孩子不睡觉怎么办"],
        "usage": USAGE_FRAME,
        "error": None,
    }


def test_end_of_a_failed_turn_has_a_code_and_nothing_else() -> None:
    frame = ended(Outcome(status="failed", error="upstream_reset", model="secret-model"))

    assert frame["error"] == {"code": "upstream_reset"}
    assert frame["usage"] is None
    assert "secret-model" not in json.dumps(frame)


def test_stored_end_is_the_end_that_readers_saw() -> None:
    outcome = Outcome(
        status="failed",
        grounding="answer",
        sources=(SOURCE,),
        suggestions=("孩子不睡觉怎么办",),
        usage=USAGE,
        error="upstream_reset",
    )
    text = FAILED.text
    event = Ended(
        outcome=outcome,
        rev=45,
        length=utf16_length(text),
        sha256=wire_format.checksum(text),
    )

    live = wire_format.logged(TURN, after=BEFORE, cursor=AFTER, event=event)

    assert wire_format.stored_end(TURN, after=BEFORE, cursor=AFTER, reply=FAILED) == live


def test_source_without_a_review_has_no_date() -> None:
    unreviewed = Source(
        answer="a1",
        version=1,
        title="",
        expert="",
        role="",
        reviewed_at=None,
        overdue=True,
        score=1.0,
        text="抱住他。",
        url="https://example.org/",
    )

    frame = wire_format.source_object(unreviewed)

    assert frame["reviewed_at"] is None
    assert frame["url"] == "https://example.org/"


def test_snapshot_holds_the_text_and_its_blocks() -> None:
    blocks = [Block(start=0, end=2, html="<p>抱住</p>")]

    assert read(wire_format.snapshot(TURN, cursor=Cursor(2, 9), text="抱住", blocks=blocks)) == {
        "type": "snapshot",
        "turn": str(TURN),
        "cursor": "2-9",
        "text": "抱住",
        "blocks": [{"start": 0, "end": 2, "html": "<p>抱住</p>"}],
    }


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        (
            wire_format.changed(CONVERSATION, 46),
            {"type": "changed", "conversation": str(CONVERSATION), "rev": 46},
        ),
        (wire_format.done(SEND), {"type": "done", "id": str(SEND)}),
        (wire_format.ping(12), {"type": "ping", "k": 12}),
        (wire_format.bye("draining", 640), {"type": "bye", "code": "draining", "retry_ms": 640}),
        (
            wire_format.error(id_=None, code="bad_json", message="It failed.", request="f00d"),
            {
                "type": "error",
                "id": None,
                "code": "bad_json",
                "message": "It failed.",
                "retry_ms": 0,
                "request": "f00d",
            },
        ),
    ],
    ids=["changed", "done", "ping", "bye", "error"],
)
def test_short_frame_has_these_fields(frame: str, shown: dict[str, object]) -> None:
    assert read(frame) == shown


def test_frames_are_compact_and_say_chinese_as_it_is() -> None:
    frame = wire_format.text(TURN, after=BEFORE, cursor=AFTER, text="抱住😀")

    assert ": " not in frame
    assert '"抱住😀"' in frame


@given(st.text())
def test_length_is_what_javascript_counts(text: str) -> None:
    assert utf16_length(text) == len(text.encode("utf-16-le")) // 2


def test_checksum_is_the_beginning_of_a_sha_256() -> None:
    assert wire_format.checksum("abc") == "ba7816bf8f01cfea"
