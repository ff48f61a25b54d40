"""Waking one task that waits, or telling it that it has waited too long."""

import asyncio
import math


class Doorbell:
    """Cheaper than asyncio.timeout for many short waits: its timer is not set again at each one,
    but only when it goes off before the deadline that counts by then."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def rung(self) -> asyncio.Future[None]:
        """What is there already need not be waited for."""
        ring: asyncio.Future[None] = self._loop.create_future()
        ring.set_result(None)
        return ring

    def next_ring(self, deadline: float) -> asyncio.Future[None]:
        """Fails with TimeoutError at the deadline, which is in the event loop's time."""
        self._deadline = deadline
        if self._timer is None or self._timer.when() > deadline:
            self._set_timer()
        self._waiter = self._loop.create_future()
        return self._waiter

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        self.close()
        if self._deadline < math.inf:
            self._timer = self._loop.call_at(self._deadline, self._time_out)

    def _time_out(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._deadline:
            self._set_timer()
        else:
            self._waiter.set_exception(TimeoutError())
