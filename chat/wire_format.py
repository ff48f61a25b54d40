"""What the server sends: values in, frames out. protocol.md is the contract."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from chat.commands import MAX_FRAME_BYTES, MAX_TEXT
from chat.rendering import words_html
from chat.turn.cursor import Cursor
from chat.turn.events import (
    Block,
    Ended,
    Found,
    JsonValue,
    LogEvent,
    Notice,
    Restarted,
    Searching,
    Source,
    Started,
    Usage,
)
from chat.turn.utf16 import utf16_length

PROTOCOL = 1
SUBPROTOCOL = "expertline.v1"

Mode = Literal["model", "expert_only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """A message as its visitor sees it. `html` is the reply's safe rendering."""

    id: UUID
    role: str
    text: str
    html: str | None
    parent: UUID | None
    status: str
    finish: str
    grounding: str
    sources: Sequence[JsonValue]
    suggestions: Sequence[JsonValue]
    usage: JsonValue
    error: str
    at: datetime
    rev: int
    feedback: JsonValue = None
    notice_wanted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnView:
    """A turn as a reader meets it. `last` is the cursor of its end, once it has ended."""

    id: UUID
    message: UUID
    status: str
    attempt: int
    last: Cursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView:
    """What a client that has revision `rev` of before lacks; `full` if it is all there is."""

    conversation: UUID
    rev: int
    full: bool
    title: str
    messages: tuple[MessageView, ...]
    turn: TurnView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEntry:
    """A conversation in the visitor's list."""

    id: UUID
    title: str
    rev: int
    at: datetime
    token: str | None
    """Of its shared copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    id: UUID
    conversation: UUID
    rev: int
    turn: UUID
    message: UUID
    duplicate: bool


def encode(frame: dict[str, JsonValue]) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def welcome(
    *, server: str, mode: Mode, name: str | None, signed_in: bool, ping_seconds: int
) -> str:
    return encode(
        {
            "type": "welcome",
            "protocol": PROTOCOL,
            "server": server,
            "mode": mode,
            "visitor": {"name": name, "signed_in": signed_in},
            "limits": {"frame": MAX_FRAME_BYTES, "text": MAX_TEXT},
            "ping_seconds": ping_seconds,
        }
    )


def sync(view: ConversationView) -> str:
    return encode(sync_object(view))


def sync_object(view: ConversationView) -> dict[str, JsonValue]:
    turn: JsonValue = None
    if view.turn is not None:
        turn = {
            "id": str(view.turn.id),
            "message": str(view.turn.message),
            "status": view.turn.status,
        }
    return {
        "type": "sync",
        "conversation": str(view.conversation),
        "rev": view.rev,
        "full": view.full,
        "title": view.title,
        "messages": [message(each) for each in view.messages],
        "turn": turn,
    }


def conversation_object(entry: ConversationEntry, *, site: str) -> dict[str, JsonValue]:
    """`site` is the scheme and host that its shared copy is at."""
    return {
        "id": str(entry.id),
        "title": entry.title,
        "rev": entry.rev,
        "at": timestamp(entry.at),
        "shared": entry.token and f"{site}/s/{entry.token}",
    }


def message(view: MessageView) -> dict[str, JsonValue]:
    return {
        "id": str(view.id),
        "role": view.role,
        "text": view.text,
        "html": view.html,
        "parent": str(view.parent) if view.parent else None,
        "status": view.status,
        "finish": view.finish or None,
        "grounding": view.grounding or None,
        "sources": list(view.sources),
        "suggestions": list(view.suggestions),
        "error": error_object(view.error),
        "at": timestamp(view.at),
        "rev": view.rev,
        "feedback": view.feedback,
        "notice_wanted": view.notice_wanted,
    }


def accepted(values: Accepted) -> str:
    return encode(
        {
            "type": "accepted",
            "id": str(values.id),
            "conversation": str(values.conversation),
            "rev": values.rev,
            "turn": str(values.turn),
            "message": str(values.message),
            "duplicate": values.duplicate,
        }
    )


def text(turn: UUID, *, after: Cursor, cursor: Cursor, text: str) -> str:
    return encode(
        {
            "type": "text",
            "turn": str(turn),
            "after": str(after),
            "cursor": str(cursor),
            "text": text,
        }
    )


def logged(turn: UUID, *, after: Cursor, cursor: Cursor, event: LogEvent) -> str:
    """The frame of any event but text."""
    if isinstance(event, Ended):
        return end(turn, after=after, cursor=cursor, ended=event)
    return encode(
        {
            "type": "event",
            "turn": str(turn),
            "after": str(after),
            "cursor": str(cursor),
            "event": event_object(event),
        }
    )


def event_object(event: LogEvent) -> dict[str, JsonValue]:
    match event:
        case Started():
            return {"kind": "started"}
        case Searching():
            return {"kind": "searching", "question": event.question}
        case Found():
            return {"kind": "found", "hits": event.hits}
        case Block():
            return {"kind": "block", "start": event.start, "end": event.end, "html": event.html}
        case Notice():
            return {"kind": "notice", "code": event.code, "retry_ms": event.retry_ms}
        case Restarted():
            return {"kind": "restarted", "keep": event.keep, "why": event.why}
        case _:
            raise TypeError("Text and end have frames of their own.")


def end(turn: UUID, *, after: Cursor, cursor: Cursor, ended: Ended) -> str:
    outcome = ended.outcome
    return end_frame(
        turn,
        after,
        cursor,
        {
            "status": outcome.status,
            "finish": outcome.finish,
            "grounding": outcome.grounding,
            "rev": ended.rev,
            "length": ended.length,
            "sha256": ended.sha256,
            "sources": [shown_source(source) for source in outcome.sources],
            "suggestions": list(outcome.suggestions),
            "usage": usage_object(outcome.usage),
            "error": error_object(outcome.error),
        },
    )


def stored_end(turn: UUID, *, after: Cursor, cursor: Cursor, reply: MessageView) -> str:
    """The same frame, from the stored reply, for a reader who comes when the log is gone."""
    return end_frame(
        turn,
        after,
        cursor,
        {
            "status": reply.status,
            "finish": reply.finish,
            "grounding": reply.grounding,
            "rev": reply.rev,
            "length": utf16_length(reply.text),
            "sha256": checksum(reply.text),
            "sources": list(reply.sources),
            "suggestions": list(reply.suggestions),
            "usage": reply.usage,
            "error": error_object(reply.error),
        },
    )


def end_frame(turn: UUID, after: Cursor, cursor: Cursor, facts: dict[str, JsonValue]) -> str:
    place = {"turn": str(turn), "after": str(after), "cursor": str(cursor)}
    return encode({"type": "end", **place, **facts})


def error_object(code: str | None) -> JsonValue:
    return {"code": code} if code else None


def checksum(text: str) -> str:
    """What `end` says of a text: the first 16 hex digits of the SHA-256 of its UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def shown_source(source: Source) -> dict[str, JsonValue]:
    """With the HTML of its words, which takes its time the first time."""
    return {**source_object(source), "html": words_html(source.text)}


def source_object(source: Source) -> dict[str, JsonValue]:
    """As it is stored."""
    return {
        "answer": source.answer,
        "version": source.version,
        "title": source.title,
        "expert": source.expert,
        "role": source.role,
        "reviewed_at": source.reviewed_at.isoformat() if source.reviewed_at else None,
        "overdue": source.overdue,
        "score": round(source.score, 4),
        "text": source.text,
        "url": source.url,
        "certain": source.certain,
    }


def usage_object(usage: Usage | None) -> JsonValue:
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "estimated": usage.estimated,
    }


def snapshot(turn: UUID, *, cursor: Cursor, text: str, blocks: Sequence[Block]) -> str:
    return encode(
        {
            "type": "snapshot",
            "turn": str(turn),
            "cursor": str(cursor),
            "text": text,
            "blocks": [{"start": b.start, "end": b.end, "html": b.html} for b in blocks],
        }
    )


def changed(conversation: UUID, rev: int) -> str:
    return encode({"type": "changed", "conversation": str(conversation), "rev": rev})


def done(id_: UUID) -> str:
    return encode({"type": "done", "id": str(id_)})


def error(*, id_: str | None, code: str, message: str, request: str, retry_ms: int = 0) -> str:
    return encode(
        {
            "type": "error",
            "id": id_,
            "code": code,
            "message": message,
            "retry_ms": retry_ms,
            "request": request,
        }
    )


def ping(k: int) -> str:
    return encode({"type": "ping", "k": k})


def bye(code: str, retry_ms: int) -> str:
    return encode({"type": "bye", "code": code, "retry_ms": retry_ms})


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
