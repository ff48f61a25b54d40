"""Reads the bells, and the turns of other processes that are followed here, over one connection."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chat.delta_log.base import LoggedEvent, Tail
from chat.delta_log.bells import Bell
from chat.delta_log.encoding import decoded
from chat.delta_log.redis_names import (
    READ_BLOCK_MS,
    Entries,
    Names,
    bell_of,
    newest_id,
    read,
)
from chat.metrics import LOG_GAPS
from chat.turn.cursor import Cursor

logger = logging.getLogger(__name__)

READ_ENTRIES = 1_000
PAUSES_SECONDS = (0.1, 0.25, 0.5)
GAP_PAUSES_SECONDS = (0.05, 0.05, 0.1, 0.2, 0.5, 1.0)
"""An owner that found its stream lost is writing it anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How often a stream was found to lack an event, and when to look again."""

    tries: int
    over_at: float


class StreamReader:
    """`on_connect` is called whenever bells may have been missed before."""

    def __init__(
        self,
        make_client: Callable[[], Redis],
        names: Names,
        *,
        followed: Callable[[], Mapping[UUID, Tail]],
        on_bell: Callable[[Bell], None],
        on_connect: Callable[[], None],
    ) -> None:
        self._make_client = make_client
        self._names = names
        self._followed = followed
        self._on_bell = on_bell
        self._on_connect = on_connect
        self._places: dict[str, str] = {}
        self._gaps: dict[str, Gap] = {}
        self._failures = 0
        self.connected = True

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._read_while_connected()
            except (RedisError, OSError, TimeoutError) as error:
                if self.connected:
                    logger.warning("Redis is not heard: %s", type(error).__name__)
                self.connected = False
                self._failures += 1
                await asyncio.sleep(PAUSES_SECONDS[min(self._failures, len(PAUSES_SECONDS)) - 1])

    async def _read_while_connected(self) -> None:
        async with self._make_client() as client:
            newest = await newest_id(client, self._names.bells)
            self._places = {self._names.bells: newest or "0", self._names.wake: "0"}
            self._on_connect()
            while True:
                await self._read(client)
                self.connected = True
                self._failures = 0

    async def _read(self, client: Redis) -> None:
        turns = {self._names.turn(turn): tail for turn, tail in self._followed().items()}
        self._gaps = {key: gap for key, gap in self._gaps.items() if key in turns}
        now = time.monotonic()
        waits = {key: gap.over_at - now for key, gap in self._gaps.items() if gap.over_at > now}
        places = self._places | {k: str(tail.last) for k, tail in turns.items() if k not in waits}
        block_ms = min([READ_BLOCK_MS, *(round(wait * 1000) + 1 for wait in waits.values())])
        for key, entries in await read(client, places, count=READ_ENTRIES, block_ms=block_ms):
            if key in turns:
                self._note_gap(key, whole=self._take(turns[key], entries))
            else:
                self._places[key] = entries[-1][0].decode()
                self._hear(key, entries)

    def _note_gap(self, key: str, *, whole: bool) -> None:
        """A stream that skips an event is left alone for a while; the others are read on."""
        if whole:
            self._gaps.pop(key, None)
            return
        LOG_GAPS.inc()
        tries = self._gaps[key].tries if key in self._gaps else 0
        pause = GAP_PAUSES_SECONDS[min(tries, len(GAP_PAUSES_SECONDS) - 1)]
        self._gaps[key] = Gap(tries=tries + 1, over_at=time.monotonic() + pause)

    def _hear(self, key: str, entries: Entries) -> None:
        if key != self._names.bells:
            return
        for _, entry in entries:
            if bell := bell_of(entry):
                self._on_bell(bell)

    def _take(self, tail: Tail, entries: Entries) -> bool:
        """Whether the entries go on where the tail ends. What does not is read again later."""
        events, whole = continuing(tail.last, entries)
        if events:
            tail.extend(events)
        return whole


def continuing(last: Cursor, entries: Entries) -> tuple[list[LoggedEvent], bool]:
    """The new events that go on from `last`, and whether that is all there is in the entries."""
    events: list[LoggedEvent] = []
    for entry in entries:
        logged = readable(entry)
        if logged is None:
            return events, False
        if logged.cursor <= last:
            continue
        if not follows(logged.cursor, last):
            return events, False
        events.append(logged)
        last = logged.cursor
    return events, True


def readable(entry: tuple[bytes, Mapping[bytes, bytes]]) -> LoggedEvent | None:
    """None for an entry of another version, or of somebody else."""
    try:
        return LoggedEvent(cursor=Cursor.parse(entry[0].decode()), event=decoded(entry[1]))
    except ValueError:
        logger.warning("an entry of a delta log cannot be read")
        return None


def follows(cursor: Cursor, last: Cursor) -> bool:
    """Whether nothing can be missing between the two: each attempt counts from 1."""
    if cursor.attempt == last.attempt:
        return cursor.n == last.n + 1
    return cursor.n == 1
