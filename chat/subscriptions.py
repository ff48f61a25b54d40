"""What one socket follows: a cursor into the running turn of each conversation it subscribed to."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from uuid import UUID

from chat import wire_format
from chat.background import tell_of_failure
from chat.delta_log.base import DeltaLog
from chat.delta_log.bells import Changed
from chat.outbox import SlowReaderError
from chat.turn.cursor import Cursor
from chat.turn_reading import Retell, turn_pieces

Send = Callable[[str], Awaitable[None]]


class Subscription:
    """Follows one conversation for one socket until it is closed."""

    def __init__(self, conversation: UUID, log: DeltaLog, send: Send, retell: Retell) -> None:
        self._conversation = conversation
        self._log = log
        self._send = send
        self._retell = retell
        self._rev = 0
        self._rung = asyncio.Event()
        self._newest = 0
        self._deleted = False
        self._telling = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None
        self._watching = asyncio.create_task(self._watch(), name="watch of a conversation")
        self._watching.add_done_callback(tell_of_failure)
        self._stop_listening = log.listen(conversation, self._ring)

    def knows(self, rev: int) -> None:
        """The client has been told of revision `rev` by other means."""
        self._rev = max(self._rev, rev)
        if rev > self._newest:  # it was restored, and nobody said so
            self._deleted = False

    def follow(self, turn: UUID, cursor: Cursor) -> None:
        """Send what comes after `cursor`, and then what comes."""
        self._stop_following()
        if self._deleted:
            return
        self._following = asyncio.create_task(self._follow(turn, cursor), name="reader of a turn")
        self._following.add_done_callback(tell_of_failure)

    def close(self) -> list[asyncio.Task[None]]:
        """Stop; the tasks that the caller should see ended."""
        self._stop_listening()
        tasks = [self._watching, *([self._following] if self._following else [])]
        for task in tasks:
            task.cancel()
        return tasks

    def quiet(self) -> asyncio.Lock:
        """Nothing of the turn is sent while this is held."""
        return self._telling

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
        async with aclosing(turn_pieces(self._log, turn, cursor, self._retell)) as pieces:
            async for piece in pieces:
                async with self._telling:
                    if piece.rev is not None:
                        self.knows(piece.rev)
                    await self._send(piece.frame)

    def _ring(self, bell: Changed) -> None:
        """Of a conversation that is deleted, the client hears that it has changed and no more."""
        if bell.rev > self._newest:
            self._newest, self._deleted = bell.rev, bell.deleted
        if self._deleted:
            self._stop_following()
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
