"""A socket's way out, with credit: neither Daphne nor a proxy holds more than the window.

An in-band ping follows every 64 KiB; its pong proves that everything before it has arrived. So it
is heartbeat, acknowledgement and credit in one. What all sockets have under way together is
bounded, too: while it is much, each has to do with less.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Literal, TypeVar

from chat import wire_format
from chat.rates import Rate, TokenBucket

PING_BYTES = 64 * 1024
WINDOW_BYTES = 256 * 1024
SHARE_BYTES = 48 * 1024
"""What a socket may always have unanswered."""
CROWD_BYTES = 8 * 1024 * 1024
"""What all together may have unanswered before each is held to its share."""
MUCH_BYTES = 64 * 1024
"""Credit for something large, had before it is made. What is larger than that goes alone."""
CROWD_PAUSE_SECONDS = 0.5
BUDGET = Rate(per_second=256 * 1024, burst=16 * 1024 * 1024)
"""Bytes that a socket may be sent, however fast it reads: many replies at once as models write
them, and long conversations now and then, but not the same history again and again."""
PING_STEP = 2**20
SILENT_PINGS = 3
"""Pings without a pong, each `ping_seconds` apart, after which the client is gone."""

Loss = Literal["slow", "idle"]
T = TypeVar("T")
Make = Callable[[], Awaitable[tuple[Sequence[str], T]]]
"""Gives frames to be sent, and what its caller wants to know besides."""


class SlowReaderError(Exception):
    """The client has not acknowledged anything for too long, or asked for far too much."""


class Crowd:
    """What the sockets of a process have unanswered together, or were promised credit for."""

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
        self._promised = 0
        self._pinged_at_byte = 0
        self._numbers = numbers or unguessable()
        self._pings: deque[tuple[int, int]] = deque()
        self._budget = TokenBucket(budget, time.monotonic)
        self._line = asyncio.Lock()
        """Who has it is the next to have credit: much would else wait for ever behind little."""
        self._held = 0
        self._stalled = asyncio.Event()
        self._progress = asyncio.Event()
        self._heard_at = time.monotonic()
        self._stuck = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether a frame waits, or would have to, for the client to read."""
        return self._held > 0 or not self._fits(1)

    async def stalled(self) -> None:
        """Returns when a frame waits for the client to read."""
        await self._stalled.wait()

    async def send(self, frame: str) -> None:
        """Raises SlowReaderError when nothing is acknowledged, the transport takes nothing, or
        the budget is spent."""
        size = len(frame.encode())
        self._spend(size)
        async with self._line:
            await self._room_for(size)
            self._sent += size  # before the next await: others may be sending too
            self._crowd.unanswered += size
        await self._put(frame)

    async def send_made(self, make: Make[T], room: int = MUCH_BYTES) -> T:
        """Send frames that are large together. They are made when there is credit for them: who
        never reads would else have them lie here ready. If they need more than `room`, they are
        made again when there is as much. Raises SlowReaderError and what `make` does.
        """
        await self._promise(room)
        try:
            frames, known = await make()
            size = sum(len(frame.encode()) for frame in frames)
            if size <= room:
                self._spend(size)
                for frame in frames:
                    room -= self._redeem(frame)
                    await self._put(frame)
                return known
            del frames
        finally:
            self._withdraw(room)
        return await self.send_made(make, size)

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

    def _spend(self, size: int) -> None:
        if self._budget.take(size):
            self._stuck.set()
            raise SlowReaderError

    async def _room_for(self, size: int) -> None:
        """To be awaited by the first in the line."""
        if self._stuck.is_set():
            raise SlowReaderError
        while not self._fits(size):
            with self._holding():
                await self._in_time(self._progressed())

    def _fits(self, size: int) -> bool:
        """One frame always does where nothing is under way, however large it is."""
        under_way = self._sent - self._acknowledged + self._promised
        most = SHARE_BYTES if self._crowd.full else WINDOW_BYTES
        return not under_way or under_way + size <= most

    @contextmanager
    def _holding(self) -> Iterator[None]:
        self._held += 1
        self._stalled.set()
        try:
            yield
        finally:
            self._held -= 1
            if not self._held:
                self._stalled.clear()

    async def _progressed(self) -> None:
        """Ask first, unless that has been done: else nothing would come."""
        progress = self._progress
        if not self._pings:
            await self._ping()
        await progress.wait()

    async def _promise(self, size: int) -> None:
        """What is larger than MUCH_BYTES waits for the crowd to go, too: else each socket that
        answers once and no more would hold something of any size."""
        while True:
            async with self._line:
                await self._room_for(size)
                if size <= MUCH_BYTES or not self._crowd.full:
                    self._promised += size
                    self._crowd.unanswered += size
                    return
            with self._holding():
                await asyncio.sleep(CROWD_PAUSE_SECONDS)

    def _redeem(self, frame: str) -> int:
        """Its bytes were promised, and are under way now."""
        size = len(frame.encode())
        self._promised -= size
        self._sent += size
        return size

    def _withdraw(self, size: int) -> None:
        self._promised -= size
        self._crowd.unanswered -= size
        self._tell_progress()

    async def _put(self, frame: str) -> None:
        await self._in_time(self._send(frame))
        if self._sent - self._pinged_at_byte >= PING_BYTES:
            await self._ping()

    def _acknowledge(self, until: int) -> None:
        self._crowd.unanswered -= until - self._acknowledged
        self._acknowledged = until
        self._tell_progress()

    def _tell_progress(self) -> None:
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
