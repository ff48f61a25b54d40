"""Rounds that need not be asked for again when a turn is taken over.

A round that ended in calls is noted as the model gave it. Another attempt that comes to the same
request hears the same again, so that only the round that was cut off costs the provider twice. The
calls themselves are searches: to run them again does no harm.
"""

import hashlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, fields

from chat.turn.events import JsonValue, TextDelta
from chat.turn.language_model import (
    LanguageModel,
    ModelEvent,
    ModelRequest,
    RoundFinished,
    RoundUsage,
    ToolCallDelta,
)

KINDS: Mapping[str, type[ModelEvent]] = {
    "text": TextDelta,
    "call": ToolCallDelta,
    "usage": RoundUsage,
    "finished": RoundFinished,
}
NAMES = {kind: name for name, kind in KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableRound:
    """What a model said to the request with this digest."""

    request: str
    events: tuple[ModelEvent, ...]

    @classmethod
    def read(cls, values: JsonValue) -> "DurableRound | None":
        """What `as_json` wrote; None for what another version wrote."""
        if not isinstance(values, Mapping):
            return None
        try:
            request, said = values["request"], values["events"]
            if not isinstance(request, str) or not isinstance(said, list):
                return None
            return cls(request=request, events=tuple(event_of(each) for each in said))
        except (KeyError, TypeError):
            return None

    def as_json(self) -> dict[str, JsonValue]:
        said: list[JsonValue] = [{"kind": NAMES[type(e)]} | asdict(e) for e in self.events]
        return {"request": self.request, "events": said}


def event_of(values: JsonValue) -> ModelEvent:
    """Raises KeyError and TypeError."""
    if not isinstance(values, Mapping):
        raise TypeError
    kind = KINDS[str(values["kind"])]
    known: dict[str, JsonValue] = {each.name: values[each.name] for each in fields(kind)}
    return kind(**known)  # type: ignore[arg-type]  # as it was written


class DurableRounds:
    """A language model that repeats the rounds that are done, and notes those that get done."""

    def __init__(
        self,
        model: LanguageModel,
        done: Sequence[DurableRound],
        note: Callable[[DurableRound], None],
    ) -> None:
        self._model = model
        self._done = {each.request: each for each in done}
        self._note = note

    @property
    def name(self) -> str:
        return self._model.name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        digest = digest_of(request)
        if done := self._done.get(digest):
            for event in done.events:
                yield event
            return
        said: list[ModelEvent] = []
        async with aclosing(self._model.stream(request)) as events:
            async for event in events:
                said.append(event)
                yield event
        if {ToolCallDelta, RoundFinished} <= {type(event) for event in said}:
            self._note(DurableRound(request=digest, events=tuple(said)))


def digest_of(request: ModelRequest) -> str:
    return hashlib.sha256(repr(request).encode(errors="replace")).hexdigest()
