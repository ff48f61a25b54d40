"""Writes the events of all turns that this process owns into Redis, in batches.

An entry's id is the event's own cursor, so that Redis refuses what is sent twice, and an owner who
was replaced. A stream that does not hold what it should was lost; it is written anew from memory,
under the same ids, so that no reader's place is lost with it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from chat.delta_log.base import LoggedEvent, Tail
from chat.delta_log.bells import Bell
from chat.delta_log.encoding import encoded
from chat.delta_log.redis_names import Names, bell_fields, newest_id
from chat.metrics import FENCED, LOG_REBUILDS
from chat.turn.cursor import Cursor

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.025
"""Pause between batches; the first event after a pause goes out at once."""
BATCH_EVENTS = 5_000
EXPIRE_SECONDS = 900
WAKE_EXPIRE_SECONDS = 60
BELLS_KEPT = 10_000
BELLS_WAITING = 1_000
"""While Redis is away. Those dropped are made up for by a look into Postgres."""
PAUSES_SECONDS = (0.1, 0.25, 0.5)


class OwnedStream:
    """One attempt's events, and how many of them Redis is known to have.

    `before` counts the entries of earlier attempts. While `unsure`, nothing is known.
    """

    def __init__(
        self, turn: UUID, attempt: int, tail: Tail, fenced: Callable[[], None], *, key: str
    ) -> None:
        self.turn = turn
        self.attempt = attempt
        self.key = key
        self.fenced = fenced
        self.released = False
        self.unsure = False
        self.written = 0
        self._before: int | None = None
        self._tail = tail

    @property
    def expired(self) -> bool:
        """Ended so long ago that Redis would have dropped it, too."""
        return self.released and self._tail.silent_seconds > EXPIRE_SECONDS

    def own_events(self) -> Sequence[LoggedEvent]:
        return self._tail.after(Cursor(self.attempt, 0))

    def pending(self) -> Sequence[LoggedEvent]:
        return self._tail.after(Cursor(self.attempt, self.written))[:BATCH_EVENTS]

    def confirm(self, count: int, length: int) -> bool:
        """Whether a stream of `length` holds what it should after `count` more entries."""
        self.written += count
        if self._before is None:
            self._before = length - self.written
        return length == self._before + self.written

    def rebuilt(self, count: int) -> None:
        self.written, self._before, self.unsure = count, 0, False


class StreamWriter:
    """`connected` tells whether the last batch arrived."""

    def __init__(self, make_client: Callable[[], Redis], names: Names) -> None:
        self._make_client = make_client
        self._names = names
        self._client: Redis | None = None
        self._streams: dict[UUID, OwnedStream] = {}
        self._bells: deque[Bell] = deque(maxlen=BELLS_WAITING)
        self._reader_sleeps = False
        self._wanted = asyncio.Event()
        self._failures = 0
        self._in_doubt = False
        self.connected = True

    def own(self, turn: UUID, attempt: int, tail: Tail, fenced: Callable[[], None]) -> None:
        key = self._names.turn(turn)
        self._streams[turn] = OwnedStream(turn, attempt, tail, fenced, key=key)

    def release(self, turn: UUID) -> None:
        """What is pending still goes out."""
        if stream := self._streams.get(turn):
            stream.released = True
            self._wanted.set()

    def grown(self) -> None:
        self._wanted.set()

    def ring(self, bell: Bell) -> None:
        self._bells.append(bell)
        self._wanted.set()

    def wake_reader(self) -> None:
        self._reader_sleeps = True
        self._wanted.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await asyncio.sleep(await self._flushed())

    async def close(self) -> None:
        """Send what is pending, if Redis takes it now."""
        await self._flushed()
        await self._disconnect()

    async def _flushed(self) -> float:
        """How long to wait before the next batch. Nobody waits for Redis but this task."""
        if self._in_doubt:
            await self._start_over()
        self._in_doubt = True
        try:
            await self._flush()
        except (RedisError, OSError, TimeoutError) as error:
            if self.connected:
                logger.warning("Redis is away: %s", type(error).__name__)
            self.connected = False
            self._failures += 1
            self._wanted.set()
            return PAUSES_SECONDS[min(self._failures, len(PAUSES_SECONDS)) - 1]
        self._in_doubt = False
        self._failures = 0
        self.connected = True
        return FLUSH_SECONDS

    async def _start_over(self) -> None:
        """Of a batch that failed or was cut off, nobody knows how much arrived, nor what the
        connection will say next."""
        for stream in list(self._streams.values()):
            stream.unsure = True
            if stream.expired:
                del self._streams[stream.turn]
        await self._disconnect()

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.aclose()
            except (RedisError, OSError, TimeoutError) as error:
                logger.info("Redis was not said goodbye to: %s", type(error).__name__)

    async def _flush(self) -> None:
        self._client = self._client or self._make_client()
        for stream in [each for each in self._streams.values() if each.unsure]:
            await self._repair(self._client, stream)
        batch = [(each, each.pending()) for each in self._streams.values() if each.pending()]
        bells = list(self._bells)
        pipeline = self._client.pipeline(transaction=False)
        for stream, events in batch:
            add_events(pipeline, stream, events)
        self._add_bells(pipeline, bells)
        results = await pipeline.execute(raise_on_error=False) if len(pipeline) else []
        rung = await self._check(self._client, batch, results)
        self._forget_rung(results[rung : rung + len(bells)])
        self._forget_finished()

    def _add_bells(self, pipeline: Pipeline, bells: Sequence[Bell]) -> None:
        for bell in bells:
            pipeline.xadd(self._names.bells, bell_fields(bell), maxlen=BELLS_KEPT, approximate=True)
        if self._reader_sleeps:
            self._reader_sleeps = False
            pipeline.xadd(self._names.wake, {"wake": "1"}, maxlen=1)
            pipeline.expire(self._names.wake, WAKE_EXPIRE_SECONDS)

    async def _check(
        self,
        client: Redis,
        batch: Sequence[tuple[OwnedStream, Sequence[LoggedEvent]]],
        results: Sequence[object],
    ) -> int:
        """Each stream's part of the results: its entries' ids, its length, its expiry.

        Returns how many results that were.
        """
        position = 0
        for stream, events in batch:
            added = results[position : position + len(events)]
            length = results[position + len(events)]
            position += len(events) + 2
            refused = any(isinstance(each, Exception) for each in added)
            if refused or not isinstance(length, int) or not stream.confirm(len(events), length):
                await self._repair(client, stream)
        return position

    def _forget_rung(self, results: Sequence[object]) -> None:
        """Raises the error of a bell that Redis refused: it is rung again."""
        for each in results:
            if isinstance(each, Exception):
                raise each
            self._bells.popleft()

    async def _repair(self, client: Redis, stream: OwnedStream) -> None:
        """Either a later attempt has begun, or the stream was lost: then write it anew."""
        newest = await newest_id(client, stream.key)
        if newest and attempt_of(newest) > stream.attempt:
            FENCED.inc()
            if self._streams.get(stream.turn) is stream:  # not a later attempt of our own
                del self._streams[stream.turn]
            stream.fenced()
            return
        events = stream.own_events()
        if not events:
            stream.unsure = False
            return
        LOG_REBUILDS.inc()
        pipeline = client.pipeline(transaction=True)
        pipeline.delete(stream.key)
        add_events(pipeline, stream, events)
        await pipeline.execute()
        stream.rebuilt(len(events))

    def _forget_finished(self) -> None:
        for stream in list(self._streams.values()):
            if stream.pending():
                self._wanted.set()
            elif stream.released:
                del self._streams[stream.turn]


def add_events(pipeline: Pipeline, stream: OwnedStream, events: Sequence[LoggedEvent]) -> None:
    for logged in events:
        pipeline.xadd(stream.key, encoded(logged.event), id=str(logged.cursor))
    pipeline.xlen(stream.key)
    pipeline.expire(stream.key, EXPIRE_SECONDS)


def attempt_of(id_: str) -> int:
    """0 for an id that no owner of a turn has written."""
    try:
        return Cursor.parse(id_).attempt
    except ValueError:
        return 0
