"""Events as the bytes of a Redis stream's entry, and back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from chat.delta_log.redis_names import Fields
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
    TextDelta,
    Usage,
)

TEXT = b"t"
EVENT = b"e"
KINDS: Mapping[str, type[LogEvent]] = {
    kind.__name__: kind for kind in (Started, Searching, Found, Block, Notice, Restarted, Ended)
}


class UnknownEntryError(ValueError):
    """The entry was written by another version, or by somebody else."""


def encoded(event: LogEvent) -> Fields:
    """Text stands as it is, for it is most of what there is."""
    if isinstance(event, TextDelta):
        return {TEXT: event.text.encode(errors="replace")}
    values = {"kind": type(event).__name__} | asdict(event)
    return {EVENT: json.dumps(values, ensure_ascii=False, default=date.isoformat).encode()}


def decoded(entry: Mapping[bytes, bytes]) -> LogEvent:
    """Raises UnknownEntryError."""
    try:
        if TEXT in entry:
            return TextDelta(text=entry[TEXT].decode())
        values = json.loads(entry[EVENT])
        return event_of(KINDS[values.pop("kind")], values)
    except (KeyError, TypeError, ValueError) as error:
        raise UnknownEntryError from error


def event_of(kind: type[LogEvent], values: dict[str, Any]) -> LogEvent:
    """Fields that only a later version knows are dropped."""
    if kind is Ended:
        values["outcome"] = outcome_of(values["outcome"])
    return kind(**known(kind, values))


def outcome_of(values: dict[str, Any]) -> Outcome:
    values["sources"] = tuple(source_of(each) for each in values["sources"])
    values["suggestions"] = tuple(values["suggestions"])
    if values["usage"] is not None:
        values["usage"] = Usage(**known(Usage, values["usage"]))
    return Outcome(**known(Outcome, values))


def source_of(values: dict[str, Any]) -> Source:
    if values["reviewed_at"] is not None:
        values["reviewed_at"] = date.fromisoformat(values["reviewed_at"])
    return Source(**known(Source, values))


def known(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in values.items() if name in names}
