"""One frame of each kind that the server sends, with all its keys."""

from datetime import UTC, date, datetime
from uuid import UUID

from chat import wire_format
from chat.turn.cursor import Cursor
from chat.turn.events import (
    Block,
    Ended,
    Found,
    LogEvent,
    Notice,
    Outcome,
    Restarted,
    Searching,
    Source,
    Started,
    Usage,
)
from chat.wire_format import Accepted, ConversationView, MessageView, TurnView

ID = UUID("019a0c5e-3f10-7c41-9d2b-6a1f0e8b7c01")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
AFTER, CURSOR = Cursor(1, 1), Cursor(1, 2)
SOURCE = Source(
    answer=str(ID),
    version=3,
    title="Why?",
    expert="Alice",
    role="Therapist",
    reviewed_at=date(2026, 5, 1),
    overdue=False,
    score=0.91,
    text="Because.",
    url="https://example.org/",
)
OUTCOME = Outcome(
    status="failed",
    grounding="answer",
    sources=(SOURCE,),
    suggestions=("How?",),
    usage=Usage(input_tokens=8, output_tokens=2, estimated=False),
    error="internal",
)
MESSAGE = MessageView(
    id=ID,
    role="assistant",
    text="Because.",
    html="<p>Because.</p>",
    parent=ID,
    status="failed",
    finish="stop",
    grounding="answer",
    sources=[wire_format.shown_source(SOURCE)],
    suggestions=["How?"],
    usage=wire_format.usage_object(OUTCOME.usage),
    error="internal",
    at=NOON,
    rev=42,
    feedback={"value": "down", "reason": "unclear", "comment": ""},
    notice_wanted=False,
)
BLOCK = Block(start=0, end=8, html="<p>Because.</p>")
EVENTS: tuple[LogEvent, ...] = (
    Started(),
    Searching(question="Why?"),
    Found(hits=6),
    BLOCK,
    Notice(code="upstream_timeout", retry_ms=0),
    Restarted(keep=0, why="worker_lost"),
)
FRAMES = [
    wire_format.welcome(server="b3", mode="model", name="alice", signed_in=True, ping_seconds=20),
    wire_format.sync(
        ConversationView(
            conversation=ID,
            rev=42,
            full=True,
            title="Why?",
            messages=(MESSAGE,),
            turn=TurnView(id=ID, message=ID, status="running", attempt=1, last=None),
        )
    ),
    wire_format.accepted(
        Accepted(id=ID, conversation=ID, rev=42, turn=ID, message=ID, duplicate=False)
    ),
    wire_format.text(ID, after=AFTER, cursor=CURSOR, text="Because."),
    *(wire_format.logged(ID, after=AFTER, cursor=CURSOR, event=event) for event in EVENTS),
    wire_format.snapshot(ID, cursor=CURSOR, text="Because.", blocks=[BLOCK]),
    wire_format.logged(
        ID,
        after=AFTER,
        cursor=CURSOR,
        event=Ended(outcome=OUTCOME, rev=42, length=8, sha256="0f4c1e7ab2d93658"),
    ),
    wire_format.stored_end(ID, after=AFTER, cursor=CURSOR, reply=MESSAGE),
    wire_format.changed(ID, 42),
    wire_format.done(ID),
    wire_format.error(id_=str(ID), code="busy", message="Busy.", request="4f1c9a7be203"),
    wire_format.ping(12),
    wire_format.bye("draining", 640),
]
