"""A socket's way out, with credit: neither Daphne nor a proxy holds more than the window.

An in-band ping follows every 64 KiB; its pong proves that everything before it has arrived. So it
is heartbeat, acknowledgement and credit in one. What all sockets have under way together is
bounded, too: while it is much, each has to do with less.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Literal

from chat import wire_format
from chat.rates import Rate, TokenBucket

PING_BYTES = 64 * 1024
WINDOW_BYTES = 256 * 1024
SHARE_BYTES = 48 * 1024
"""What a socket may always have unanswered."""
CROWD_BYTES = 8 * 1024 * 1024
"""What all together may have unanswered before each is held to its share."""
BUDGET = Rate(per_second=256 * 1024, burst=16 * 1024 * 1024)
"""Bytes that a socket may be sent, however fast it reads: many replies at once as models write
them, and long conversations now and then, but not the same history again and again."""
PING_STEP = 2**20
SILENT_PINGS = 3
"""Pings without a pong, each `ping_seconds` apart, after which the client is gone."""


Loss = Literal["slow", "idle"]


class SlowReaderError(Exception):
    """The client has not acknowledged anything for too long, or asked for far too much."""


class Crowd:
    """What the sockets of a process have unanswered together."""

    def __init__(self, most: int = CROWD_BYTES) -> None:
        self._most = most
        self.unanswered = 0

    @property
    def full(self) -> bool:
        return self.unanswered >= self._most


def unguessable() -> Iterator[int]:
    """Numbers of pings: who could guess the next one would acknowledge what it never read."""
    k = 0
    while True:
        k += 1 + secrets.randbelow(PING_STEP)
        yield k


class Outbox:
    """`stuck_seconds` without an acknowledgement mean that nobody reads."""

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        crowd: Crowd,
        *,
        ping_seconds: float,
        stuck_seconds: float,
        numbers: Iterator[int] | None = None,
        budget: Rate = BUDGET,
    ) -> None:
        self._send = send
        self._crowd = crowd
        self._ping_seconds = ping_seconds
        self._stuck_seconds = stuck_seconds
        self._sent = 0
        self._acknowledged = 0
        self._pinged_at_byte = 0
        self._numbers = numbers or unguessable()
        self._pings: deque[tuple[int, int]] = deque()
        self._budget = TokenBucket(budget, time.monotonic)
        self._held = 0
        self._progress = asyncio.Event()
        self._heard_at = time.monotonic()
        self._stuck = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether a frame waits, or would have to, for the client to read."""
        return self._held > 0 or not self._fits(1)

    async def send(self, frame: str) -> None:
        """Raises SlowReaderError when nothing is acknowledged, the transport takes nothing, or
        the budget is spent."""
        size = len(frame.encode())
        if self._budget.take(size):
            self._stuck.set()
            raise SlowReaderError
        while not self._fits(size):
            await self._hold()
        self._count(size)  # before the first await: others may be sending too
        await self._in_time(self._send(frame))
        if self._sent - self._pinged_at_byte >= PING_BYTES:
            await self._ping()

    async def room_for_much(self) -> None:
        """The moment to make something large. In a crowd it comes when nothing is under way: who
        never reads would else have it lie here ready. Raises SlowReaderError.
        """
        until = self._sent
        while self._crowd.full and until > self._acknowledged:
            await self._hold()

    def heard(self) -> None:
        """Any frame of the client proves that it lives."""
        self._heard_at = time.monotonic()

    def pong(self, k: int) -> bool:
        """Everything sent before ping `k` has arrived. Whether that ping was still unanswered."""
        if all(k != known for known, _ in self._pings):
            return False
        number = None
        while number != k:
            number, sent = self._pings.popleft()
            self._acknowledge(sent)
        return True

    async def lost(self) -> Loss:
        """Ping while nothing else does; returns when the client is gone or does not read."""
        while time.monotonic() - self._heard_at < SILENT_PINGS * self._ping_seconds:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._ping_seconds):
                    await self._stuck.wait()
                return "slow"
            with suppress(SlowReaderError):
                await self._ping()
        return "idle"

    def close(self) -> None:
        """Nothing is under way any more."""
        self._acknowledge(self._sent)

    def _fits(self, size: int) -> bool:
        """One frame always does where nothing is under way, however large it is."""
        unanswered = self._sent - self._acknowledged
        most = SHARE_BYTES if self._crowd.full else WINDOW_BYTES
        return not unanswered or unanswered + size <= most

    async def _hold(self) -> None:
        self._held += 1
        try:
            await self._in_time(self._acknowledged_more())
        finally:
            self._held -= 1

    async def _acknowledged_more(self) -> None:
        """Ask first, unless that has been done: else nothing would come."""
        progress = self._progress
        if not self._pings:
            await self._ping()
        await progress.wait()

    def _count(self, size: int) -> None:
        self._sent += size
        self._crowd.unanswered += size

    def _acknowledge(self, until: int) -> None:
        self._crowd.unanswered -= until - self._acknowledged
        self._acknowledged = until
        self._progress.set()
        self._progress = asyncio.Event()

    async def _ping(self) -> None:
        k = next(self._numbers)
        self._pings.append((k, self._sent))
        self._pinged_at_byte = self._sent
        await self._in_time(self._send(wire_format.ping(k)))

    async def _in_time(self, awaited: Awaitable[object]) -> None:
        """Some servers hold a send until the client reads; Daphne never does."""
        try:
            async with asyncio.timeout(self._stuck_seconds):
                await awaited
        except TimeoutError:
            self._stuck.set()
            raise SlowReaderError from None
