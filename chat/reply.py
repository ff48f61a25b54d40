"""A reply being written: the turn's events with their ids, its text, and its finished blocks."""

from uuid import UUID

from chat.delta_log.base import DeltaLog, LoggedEvent
from chat.rendering import BlockWriter
from chat.turn.cursor import Cursor
from chat.turn.events import Ended, LogEvent, Outcome, Restarted, TextDelta
from chat.wire_format import checksum, utf16_length

MAX_CHARACTERS = 1_000_000
DELTA_CHARACTERS = 16 * 1024
"""A larger delta is logged as several, so that no frame is larger either."""


class ReplyTooLongError(Exception):
    """The reply has outgrown what one turn may hold."""


class Reply:
    """Appends to the delta log under ids that never skip."""

    def __init__(self, turn: UUID, attempt: int, log: DeltaLog) -> None:
        self._turn = turn
        self._attempt = attempt
        self._log = log
        self._blocks = BlockWriter()
        self._pieces: list[str] = []
        self._characters = 0
        self.count = 0

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    async def add(self, event: LogEvent) -> None:
        """Raises ReplyTooLongError before anything is appended."""
        if not isinstance(event, TextDelta):
            await self._append(event)
            return
        self._characters += len(event.text)
        if self._characters > MAX_CHARACTERS:
            raise ReplyTooLongError
        self._pieces.append(event.text)
        for start in range(0, len(event.text), DELTA_CHARACTERS):
            piece = event.text[start : start + DELTA_CHARACTERS]
            await self._append(TextDelta(text=piece), *self._blocks.add(piece))

    async def restart(self, event: Restarted) -> None:
        """Take all text back."""
        self._pieces.clear()
        self._characters = 0
        self._blocks = BlockWriter()
        await self._append(event)

    async def close_blocks(self) -> None:
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
