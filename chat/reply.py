"""A reply being written: the turn's events with their ids, its text, and its finished blocks."""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from chat.delta_log.base import DeltaLog, LoggedEvent
from chat.rendering import BlockWriter
from chat.turn.cursor import Cursor
from chat.turn.events import Ended, LogEvent, Outcome, Restarted, TextDelta
from chat.turn.utf16 import utf16_cut, utf16_length
from chat.wire_format import checksum

MAX_CHARACTERS = 1_000_000
DELTA_CHARACTERS = 16 * 1024
"""A larger delta is logged as several, so that no frame is larger either."""
SPARING_EVENTS = 10_000
SPARING_CHARACTERS = 64
"""After so many events deltas are gathered up to this length: a log must stay small enough to be
written anew."""


class ReplyTooLongError(Exception):
    """The reply has outgrown what one turn may hold."""


class Reply:
    """Appends to the delta log under ids that never skip.

    `hosts` tells where links may lead by now (None: anywhere).
    """

    def __init__(
        self,
        turn: UUID,
        attempt: int,
        log: DeltaLog,
        hosts: Callable[[], frozenset[str] | None] = lambda: None,
    ) -> None:
        self._turn = turn
        self._attempt = attempt
        self._log = log
        self._blocks = BlockWriter(hosts)
        self._pieces: list[str] = []
        self._characters = 0
        self._gathered = ""
        self.count = 0

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def rendered(self) -> int:
        """How far the finished blocks go, in UTF-16 units."""
        return self._blocks.position

    async def add(self, event: LogEvent) -> None:
        """Raises ReplyTooLongError when as much text as may be has been appended."""
        if isinstance(event, TextDelta):
            await self._gather(event.text)
            return
        await self._write_gathered()
        if isinstance(event, Restarted):
            await self._restart(event)
        else:
            await self._append(event)

    async def _gather(self, text: str) -> None:
        """Not what came in many small pieces goes out in as many."""
        self._gathered += text
        if self.count < SPARING_EVENTS or len(self._gathered) >= SPARING_CHARACTERS:
            await self._write_gathered()

    async def _write_gathered(self) -> None:
        gathered, self._gathered = self._gathered, ""
        if gathered:
            await self._write(gathered)

    async def _write(self, added: str) -> None:
        text = added[: MAX_CHARACTERS - self._characters]
        self._characters += len(text)
        self._pieces.append(text)
        for start in range(0, len(text), DELTA_CHARACTERS):
            piece = text[start : start + DELTA_CHARACTERS]
            await self._append(TextDelta(text=piece), *self._blocks.add(piece))
        if len(text) < len(added):
            raise ReplyTooLongError

    async def _restart(self, event: Restarted) -> None:
        """Take text back; blocks that end in what is kept stand."""
        kept = utf16_cut(self.text, event.keep)
        self._pieces = [kept]
        self._characters = len(kept)
        await self._append(event, *self._blocks.rewind(kept))

    async def close_blocks(self) -> None:
        with suppress(ReplyTooLongError):  # by less than what is gathered
            await self._write_gathered()
        await self._append(*self._blocks.close())

    async def end(self, outcome: Outcome, rev: int) -> None:
        text = self.text
        await self._append(
            Ended(
                outcome=outcome,
                rev=rev,
                length=utf16_length(text),
                sha256=checksum(text),
            )
        )

    async def _append(self, *events: LogEvent) -> None:
        logged = []
        for event in events:
            self.count += 1
            logged.append(LoggedEvent(cursor=Cursor(self._attempt, self.count), event=event))
        if logged:
            await self._log.append(self._turn, logged)
