"""A turn's events as one shared list a process, and the seam to whatever carries them further."""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chat.turn.cursor import START, Cursor
from chat.turn.events import Ended, LogEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    cursor: Cursor
    event: LogEvent


class Tail:
    """The events of one turn in order. Every reader is a cursor into it; none has a queue."""

    def __init__(self) -> None:
        self._events: list[LoggedEvent] = []
        self._grown = asyncio.Event()

    @property
    def last(self) -> Cursor:
        return self._events[-1].cursor if self._events else START

    @property
    def ended(self) -> bool:
        return bool(self._events) and isinstance(self._events[-1].event, Ended)

    def extend(self, events: Sequence[LoggedEvent]) -> None:
        self._events.extend(events)
        self._grown.set()
        self._grown = asyncio.Event()

    def after(self, cursor: Cursor) -> Sequence[LoggedEvent]:
        """What a reader at `cursor` has not seen."""
        return self._events[bisect_right(self._events, cursor, key=lambda e: e.cursor) :]

    async def grown_beyond(self, cursor: Cursor) -> None:
        """Return once there is something after `cursor`."""
        while self.last <= cursor:
            await self._grown.wait()


Listener = Callable[[int], None]
"""Told a conversation's new revision."""


class DeltaLog(Protocol):
    """Carries events from a turn's owner to its readers, and word of changed conversations."""

    def tail(self, turn: UUID) -> Tail:
        """The list of a running turn, made if this process has none; kept a while after its end."""
        ...

    def known(self, turn: UUID) -> Tail | None:
        """The turn's list, if this process has one."""
        ...

    async def append(self, turn: UUID, events: Sequence[LoggedEvent]) -> None: ...

    def ring(self, conversation: UUID, rev: int) -> None:
        """Tell every listener that the conversation has reached revision `rev`."""
        ...

    def listen(self, conversation: UUID, listener: Listener) -> Callable[[], None]:
        """Hear of changes until the returned function is called."""
        ...
