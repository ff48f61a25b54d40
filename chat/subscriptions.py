"""What one socket follows: a cursor into the running turn of each conversation it subscribed to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from uuid import UUID

from chat import wire_format
from chat.delta_log.base import Checkpoint, DeltaLog, LoggedEvent
from chat.metrics import ENDS_FROM_STORAGE
from chat.outbox import SlowReaderError
from chat.turn.cursor import Cursor
from chat.turn.events import Ended, TextDelta

logger = logging.getLogger(__name__)

FRAME_CHARACTERS = 16 * 1024
"""Text of one frame at most. A reader that fell behind gets bigger frames, not a queue."""

Send = Callable[[str], Awaitable[None]]


class Subscription:
    """Follows one conversation for one socket until it is closed.

    `retell` tells a turn's end from Postgres, where its log is lost, to a reader at a cursor.
    """

    def __init__(
        self,
        conversation: UUID,
        log: DeltaLog,
        send: Send,
        retell: Callable[[UUID, Cursor], Awaitable[None]],
    ) -> None:
        self._conversation = conversation
        self._log = log
        self._send = send
        self._retell = retell
        self._rev = 0
        self._rung = asyncio.Event()
        self._newest = 0
        self._following: asyncio.Task[None] | None = None
        self._watching = asyncio.create_task(self._watch())
        self._watching.add_done_callback(tell_of_failure)
        self._stop_listening = log.listen(conversation, self._ring)

    def knows(self, rev: int) -> None:
        """The client has been told of revision `rev` by other means."""
        self._rev = max(self._rev, rev)

    def follow(self, turn: UUID, cursor: Cursor) -> None:
        """Send what comes after `cursor`, and then what comes."""
        self._stop_following()
        self._following = asyncio.create_task(self._follow(turn, cursor))
        self._following.add_done_callback(tell_of_failure)

    def close(self) -> list[asyncio.Task[None]]:
        """Stop; the tasks that the caller should see ended."""
        self._stop_listening()
        tasks = [self._watching, *([self._following] if self._following else [])]
        for task in tasks:
            task.cancel()
        return tasks

    def rest(self) -> None:
        """Send nothing of the turn until `follow`."""
        self._stop_following()

    def _stop_following(self) -> None:
        if self._following:
            self._following.cancel()

    async def _follow(self, turn: UUID, cursor: Cursor) -> None:
        """Ends with the turn, or silently when the client does not read: then the socket goes."""
        try:
            with suppress(SlowReaderError):
                await self._tell(turn, cursor)
        finally:
            self._rung.set()

    async def _tell(self, turn: UUID, cursor: Cursor) -> None:
        with self._log.follow(turn) as tail:
            while not (tail.ended and cursor >= tail.last):
                await tail.news_for(cursor)
                if tail.lost:
                    ENDS_FROM_STORAGE.inc()
                    await self._retell(turn, cursor)
                    return
                if checkpoint := tail.checkpoint_beyond(cursor):
                    await self._send(snapshot(turn, checkpoint))
                    cursor = checkpoint.cursor
                for frame, last in frames(turn, tail.after(cursor), cursor):
                    if isinstance(last.event, Ended):
                        self.knows(last.event.rev)
                    await self._send(frame)
                    cursor = last.cursor

    def _ring(self, rev: int) -> None:
        self._newest = max(self._newest, rev)
        self._rung.set()

    async def _watch(self) -> None:
        """Tell the client of changes that no turn it follows will tell it of."""
        while True:
            await self._rung.wait()
            self._rung.clear()
            following = self._following is not None and not self._following.done()
            if self._newest > self._rev and not following:
                self.knows(self._newest)
                with suppress(SlowReaderError):
                    await self._send(wire_format.changed(self._conversation, self._newest))


def tell_of_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        logger.error("a reader is left behind", exc_info=task.exception())


def snapshot(turn: UUID, checkpoint: Checkpoint) -> str:
    """What Postgres has of a running reply, for readers whom its events do not reach."""
    return wire_format.snapshot(
        turn, cursor=checkpoint.cursor, text=checkpoint.text, blocks=checkpoint.blocks
    )


def frames(
    turn: UUID, events: Sequence[LoggedEvent], after: Cursor
) -> Iterator[tuple[str, LoggedEvent]]:
    """Each frame with the last event in it; neighbouring text is merged."""
    position = 0
    while position < len(events):
        run = text_run(events, position)
        last = events[position + max(run, 1) - 1]
        if run:
            joined = "".join(text_of(each) for each in events[position : position + run])
            frame = wire_format.text(turn, after=after, cursor=last.cursor, text=joined)
        else:
            frame = wire_format.logged(turn, after=after, cursor=last.cursor, event=last.event)
        yield frame, last
        after = last.cursor
        position += max(run, 1)


def text_run(events: Sequence[LoggedEvent], position: int) -> int:
    """How many events from `position` on are text that fits one frame; 0 if the first is not."""
    characters = 0
    for end in range(position, len(events)):
        characters += len(text_of(events[end]))
        too_much = characters > FRAME_CHARACTERS and end > position
        if too_much or not isinstance(events[end].event, TextDelta):
            return end - position
    return len(events) - position


def text_of(logged: LoggedEvent) -> str:
    return logged.event.text if isinstance(logged.event, TextDelta) else ""
