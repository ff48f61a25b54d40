"""A turn's events as one shared list a process, and the seam to whatever carries them further."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chat.delta_log.bells import Bell, ChangeListener, Listener
from chat.turn.cursor import START, Cursor
from chat.turn.events import Block, Ended, LogEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    cursor: Cursor
    event: LogEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A running reply as Postgres has it: its text as far as `cursor`, and its finished blocks."""

    cursor: Cursor
    text: str
    blocks: tuple[Block, ...]


class Tail:
    """The events of one turn in order. Every reader is a cursor into it; none has a queue.

    `checkpoint` is what Postgres knew beyond it, while the log is away; `lost` means that nothing
    more will come though the turn has ended: Postgres has the rest.
    """

    def __init__(self) -> None:
        self._events: list[LoggedEvent] = []
        self._news = asyncio.Event()
        self._grown_at = time.monotonic()
        self.readers = 0
        self.checkpoint: Checkpoint | None = None
        self.lost = False

    @property
    def last(self) -> Cursor:
        return self._events[-1].cursor if self._events else START

    @property
    def ended(self) -> bool:
        return bool(self._events) and isinstance(self._events[-1].event, Ended)

    @property
    def silent_seconds(self) -> float:
        """Since it last grew."""
        return time.monotonic() - self._grown_at

    def extend(self, events: Sequence[LoggedEvent]) -> None:
        self._events.extend(events)
        self._grown_at = time.monotonic()
        self._tell()

    def note(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self._tell()

    def lose(self) -> None:
        self.lost = True
        self._tell()

    def after(self, cursor: Cursor) -> Sequence[LoggedEvent]:
        """What a reader at `cursor` has not seen."""
        return self._events[bisect_right(self._events, cursor, key=lambda e: e.cursor) :]

    def checkpoint_beyond(self, cursor: Cursor) -> Checkpoint | None:
        """What a reader at `cursor` can be told while the events themselves are not here."""
        known = self.checkpoint
        return known if known and known.cursor > max(cursor, self.last) else None

    async def news_for(self, cursor: Cursor) -> None:
        """Return once there is something after `cursor`, or the tail is lost."""
        while not (self.lost or self.last > cursor or self.checkpoint_beyond(cursor)):
            await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class DeltaLog(Protocol):
    """Carries events from a turn's owner to its readers, and bells to whoever may hear them.

    It may lose anything at any time: Postgres has the truth, and `chat.backstop` tells it.
    """

    @property
    def connected(self) -> bool:
        """Whether other processes can be reached; True where there are none."""
        ...

    def begin(self) -> None:
        """Start what runs in the background; from the event loop, as often as one likes."""
        ...

    async def close(self) -> None:
        """Hand on what is pending, for a moment at most, and end what `begin` started."""
        ...

    def own(self, turn: UUID, attempt: int, fenced: Callable[[], None]) -> None:
        """Append to this turn from now on; `fenced` is called when a later attempt is met."""
        ...

    async def append(self, turn: UUID, events: Sequence[LoggedEvent]) -> None:
        """Add to a turn that is owned. Readers here see it at once; nothing is waited for."""
        ...

    def release(self, turn: UUID) -> None:
        """Own it no longer: it has ended, or is another's."""
        ...

    def known(self, turn: UUID) -> Tail | None:
        """The whole list of events so far, if this process has it: it owns or owned the turn."""
        ...

    def follow(self, turn: UUID) -> AbstractContextManager[Tail]:
        """The turn's events while the block runs, wherever its owner is."""
        ...

    def silent(self, seconds: float) -> dict[UUID, Tail]:
        """Turns that are followed here and owned elsewhere, without news for so long."""
        ...

    def ring(self, bell: Bell) -> None: ...

    def listen(self, conversation: UUID, listener: ChangeListener) -> Callable[[], None]:
        """Hear of a conversation's changes until the returned function is called."""
        ...

    def hear(self, listener: Listener) -> None:
        """Hear of every bell that is for processes, from now on."""
        ...

    def missed(self) -> tuple[UUID, ...]:
        """Conversations listened to whose bells may have been missed since the last call."""
        ...

    def hear_again(self, bell: Bell) -> None:
        """Ring a bell in this process alone."""
        ...
