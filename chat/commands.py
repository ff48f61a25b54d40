"""What a client may send: strict frames in, typed commands out. protocol.md is the contract."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from chat.strict_json import BadJsonError, parse_object
from chat.turn.cursor import Cursor
from chat.turn.events import JsonValue
from knowledge.plain_text import BadTextError, storable, visible

MAX_FRAME_BYTES = 16_384
MAX_TEXT = 8_192
MAX_COMMENT = 2_000
MAX_COMBINING_RUN = 64
MARKS = ("Mn", "Mc", "Me")
CANONICAL_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

FEEDBACK_VALUES = ("up", "down", "none")
FEEDBACK_REASONS = ("wrong", "unclear", "incomplete", "unsafe", "other", "")


class CommandError(ValueError):
    """A frame that cannot be obeyed: protocol.md's code, and the command's id where it has one."""

    def __init__(self, code: str, *, id_: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.id = id_


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    id: UUID
    conversation: UUID
    text: str
    parent: UUID | None
    continues: bool
    """No parent was named: the message follows the conversation's last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regenerate:
    id: UUID
    message: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One of the two is set."""

    turn: UUID | None
    send: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPosition:
    id: UUID
    cursor: Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    conversation: UUID
    rev: int
    turn: TurnPosition | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    conversation: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveFeedback:
    id: UUID
    message: UUID
    value: str
    reason: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    id: UUID
    message: UUID
    wanted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong:
    k: int


Command = Send | Regenerate | Stop | Subscribe | Unsubscribe | GiveFeedback | Notify | Pong
Fields = Mapping[str, JsonValue]


def parse_command(frame: str, *, unnamed: str | None = None) -> Command:
    """`unnamed` is the type of a frame that names none. Raises CommandError."""
    if len(frame) > MAX_FRAME_BYTES or len(frame.encode(errors="replace")) > MAX_FRAME_BYTES:
        raise CommandError("too_large")
    try:
        fields = parse_object(frame)
    except BadJsonError as error:
        raise CommandError(error.code) from None
    try:
        return command_of({"type": unnamed, **fields})
    except CommandError as error:
        id_ = fields.get("id")
        named = id_ if isinstance(id_, str) and is_uuid(id_) else None
        raise CommandError(error.code, id_=named) from None


def command_of(fields: Fields) -> Command:
    kind = fields.get("type")
    if not isinstance(kind, str) or kind not in READERS:
        raise CommandError("unknown_type")
    known, read = READERS[kind]
    if not known.issuperset(fields):
        raise CommandError("unknown_field")
    return read(fields)


def read_send(fields: Fields) -> Send:
    return Send(
        id=uuid(fields.get("id")),
        conversation=uuid(fields.get("conversation")),
        text=message_text(fields.get("text")),
        parent=optional_uuid(fields.get("parent")),
        continues="parent" not in fields,
    )


def read_regenerate(fields: Fields) -> Regenerate:
    return Regenerate(id=uuid(fields.get("id")), message=uuid(fields.get("message")))


def read_stop(fields: Fields) -> Stop:
    turn, send = optional_uuid(fields.get("turn")), optional_uuid(fields.get("send"))
    if (turn is None) == (send is None):
        raise CommandError("bad_id")
    return Stop(turn=turn, send=send)


def read_subscribe(fields: Fields) -> Subscribe:
    return Subscribe(
        conversation=uuid(fields.get("conversation")),
        rev=natural(fields.get("rev", 0)),
        turn=turn_position(fields.get("turn")),
    )


def read_unsubscribe(fields: Fields) -> Unsubscribe:
    return Unsubscribe(conversation=uuid(fields.get("conversation")))


def read_feedback(fields: Fields) -> GiveFeedback:
    value, reason = fields.get("value"), fields.get("reason", "")
    if value not in FEEDBACK_VALUES or reason not in FEEDBACK_REASONS:
        raise CommandError("bad_text")
    comment = plain_text(fields.get("comment", ""))
    if len(comment) > MAX_COMMENT:
        raise CommandError("too_long")
    return GiveFeedback(
        id=uuid(fields.get("id")),
        message=uuid(fields.get("message")),
        value=str(value),
        reason=str(reason),
        comment=comment,
    )


def read_notify(fields: Fields) -> Notify:
    wanted = fields.get("wanted")
    if not isinstance(wanted, bool):
        raise CommandError("bad_text")
    return Notify(id=uuid(fields.get("id")), message=uuid(fields.get("message")), wanted=wanted)


def read_pong(fields: Fields) -> Pong:
    return Pong(k=natural(fields.get("k")))


READERS: dict[str, tuple[frozenset[str], Callable[[Fields], Command]]] = {
    "send": (frozenset({"type", "id", "conversation", "text", "parent"}), read_send),
    "regenerate": (frozenset({"type", "id", "message"}), read_regenerate),
    "stop": (frozenset({"type", "turn", "send"}), read_stop),
    "subscribe": (frozenset({"type", "conversation", "rev", "turn"}), read_subscribe),
    "unsubscribe": (frozenset({"type", "conversation"}), read_unsubscribe),
    "feedback": (
        frozenset({"type", "id", "message", "value", "reason", "comment"}),
        read_feedback,
    ),
    "notify": (frozenset({"type", "id", "message", "wanted"}), read_notify),
    "pong": (frozenset({"type", "k"}), read_pong),
}


def is_uuid(value: JsonValue) -> bool:
    return isinstance(value, str) and CANONICAL_UUID.fullmatch(value) is not None


def uuid(value: JsonValue) -> UUID:
    if not isinstance(value, str) or not is_uuid(value):
        raise CommandError("bad_id")
    return UUID(value)


def optional_uuid(value: JsonValue) -> UUID | None:
    return None if value is None else uuid(value)


def natural(value: JsonValue) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise CommandError("bad_number")
    return value


def turn_position(value: JsonValue) -> TurnPosition | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise CommandError("bad_cursor")
    if not {"id", "cursor"}.issuperset(value):
        raise CommandError("unknown_field")
    try:
        cursor = Cursor.parse(str(value.get("cursor")))
    except ValueError:
        raise CommandError("bad_cursor") from None
    return TurnPosition(id=uuid(value.get("id")), cursor=cursor)


def message_text(value: JsonValue) -> str:
    text = plain_text(value if value is not None else "").strip()
    if not visible(text):
        raise CommandError("empty")
    if len(text) > MAX_TEXT:
        raise CommandError("too_long")
    return text


def plain_text(value: JsonValue) -> str:
    """A string without NUL, lone surrogates or endless runs of combining marks."""
    if not isinstance(value, str):
        raise CommandError("bad_text")
    try:
        storable(value)
    except BadTextError:
        raise CommandError("bad_text") from None
    run = 0
    for character in value:
        run = run + 1 if unicodedata.category(character) in MARKS else 0
        if run > MAX_COMBINING_RUN:
            raise CommandError("bad_text")
    return value
