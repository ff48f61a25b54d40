"""A socket's way out, with credit: neither Daphne nor a proxy holds more than the window.

An in-band ping follows every 64 KiB; its pong proves that everything before it has arrived. So it
is heartbeat, acknowledgement and credit in one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal

from chat import wire_format

PING_BYTES = 64 * 1024
WINDOW_BYTES = 256 * 1024
STUCK_SECONDS = 30.0
"""A full window for so long means that nobody reads."""
SILENT_PINGS = 3
"""Pings without a pong, each `ping_seconds` apart, after which the client is gone."""


Loss = Literal["slow", "idle"]


class SlowReaderError(Exception):
    """The client has not acknowledged anything for too long."""


class Outbox:
    def __init__(self, send: Callable[[str], Awaitable[None]], *, ping_seconds: float) -> None:
        self._send = send
        self._ping_seconds = ping_seconds
        self._sent = 0
        self._acknowledged = 0
        self._pinged_at_byte = 0
        self._k = 0
        self._pings: deque[tuple[int, int]] = deque()
        self._credit = asyncio.Event()
        self._credit.set()
        self._heard_at = time.monotonic()
        self._stuck = asyncio.Event()

    async def send(self, frame: str) -> None:
        """Raises SlowReaderError when the window stays full."""
        while not self._credit.is_set():
            try:
                async with asyncio.timeout(STUCK_SECONDS):
                    await self._credit.wait()
            except TimeoutError:
                self._stuck.set()
                raise SlowReaderError from None
        self._sent += len(frame.encode())  # before the first await: others may be sending too
        if self._sent - self._acknowledged >= WINDOW_BYTES:
            self._credit.clear()
        await self._send(frame)
        if self._sent - self._pinged_at_byte >= PING_BYTES:
            await self._ping()

    def heard(self) -> None:
        """Any frame of the client proves that it lives."""
        self._heard_at = time.monotonic()

    def pong(self, k: int) -> None:
        """Everything sent before ping `k` has arrived. Unknown numbers mean nothing."""
        while self._pings and self._pings[0][0] <= k <= self._k:
            self._acknowledged = self._pings.popleft()[1]
        if self._sent - self._acknowledged < WINDOW_BYTES:
            self._credit.set()

    async def lost(self) -> Loss:
        """Ping while nothing else does; returns when the client is gone or does not read."""
        while time.monotonic() - self._heard_at < SILENT_PINGS * self._ping_seconds:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._ping_seconds):
                    await self._stuck.wait()
                return "slow"
            await self._ping()
        return "idle"

    async def _ping(self) -> None:
        self._k += 1
        self._pings.append((self._k, self._sent))
        self._pinged_at_byte = self._sent
        await self._send(wire_format.ping(self._k))
