"""The delta log of several processes: what one of them writes, the readers of all can follow."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from uuid import UUID, uuid4

from chat.background import end, kept_running
from chat.delta_log.base import LoggedEvent, Tail
from chat.delta_log.bells import Bell, ChangeListener, Listener, Switchboard
from chat.delta_log.redis_names import READ_SECONDS, WRITE_SECONDS, Names, client
from chat.delta_log.stream_reader import StreamReader
from chat.delta_log.stream_writer import StreamWriter
from chat.delta_log.tails import Tails
from chat.metrics import REDIS_CONNECTED

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 2.0


class RedisDeltaLog:
    """Local readers never wait for Redis: an event is in the tail before it is anywhere else."""

    def __init__(self, url: str, *, prefix: str) -> None:
        names = Names(prefix=prefix, process=uuid4().hex)
        self._tails = Tails()
        self._switchboard = Switchboard()
        self._writer = StreamWriter(partial(client, url, answer_seconds=WRITE_SECONDS), names)
        self._reader = StreamReader(
            partial(client, url, answer_seconds=READ_SECONDS),
            names,
            followed=self._tails.followed_elsewhere,
            on_bell=self._switchboard.ring,
            on_connect=self._note_missed,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._missed = True

    @property
    def connected(self) -> bool:
        connected = self._writer.connected and self._reader.connected
        REDIS_CONNECTED.set(connected)
        return connected

    def begin(self) -> None:
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(kept_running(self._writer.run), name="delta log writer"),
                asyncio.create_task(kept_running(self._reader.run), name="delta log reader"),
            ]

    async def close(self) -> None:
        tasks, self._tasks = self._tasks, []
        await end(tasks)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.close()
        except TimeoutError:
            logger.warning("the delta log was not handed on in time")

    def own(self, turn: UUID, attempt: int, fenced: Callable[[], None]) -> None:
        self._writer.own(turn, attempt, self._tails.own(turn), fenced)

    async def append(self, turn: UUID, events: Sequence[LoggedEvent]) -> None:
        self._tails.get(turn).extend(events)
        self._writer.grown()

    def release(self, turn: UUID) -> None:
        self._writer.release(turn)
        self._tails.release(turn)
        if not self._tails.owned(turn):
            self._writer.wake_reader()  # who follows it here must hear of the next owner

    def known(self, turn: UUID) -> Tail | None:
        return self._tails.known(turn)

    @contextmanager
    def follow(self, turn: UUID) -> Iterator[Tail]:
        with self._tails.follow(turn) as tail:
            if not self._tails.owned(turn):
                self._writer.wake_reader()
            yield tail

    def silent(self, seconds: float) -> dict[UUID, Tail]:
        followed = self._tails.followed_elsewhere()
        return {turn: tail for turn, tail in followed.items() if tail.silent_seconds >= seconds}

    def ring(self, bell: Bell) -> None:
        """At once in this process; its own bell, when it comes back, tells nothing new."""
        self._switchboard.ring(bell)
        self._writer.ring(bell)

    def listen(self, conversation: UUID, listener: ChangeListener) -> Callable[[], None]:
        return self._switchboard.listen(conversation, listener)

    def hear(self, listener: Listener) -> None:
        self._switchboard.hear(listener)

    def missed(self) -> tuple[UUID, ...]:
        if self.connected and not self._missed:
            return ()
        self._missed = not self.connected
        return self._switchboard.conversations

    def hear_again(self, bell: Bell) -> None:
        self._switchboard.ring(bell)

    def _note_missed(self) -> None:
        self._missed = True
