"""A circuit breaker: a service that keeps failing is left alone for a while."""

import threading
import time
from collections.abc import Callable

Clock = Callable[[], float]


class CircuitBreaker:
    """For all threads. After the rest one caller tries; the others are refused until it works.

    It opens after so many `failures` in a row.
    """

    def __init__(
        self, *, rest_seconds: float, failures: int = 1, now: Clock = time.monotonic
    ) -> None:
        self._rest_seconds = rest_seconds
        self._most = failures
        self._now = now
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until: float | None = None

    def lets_through(self) -> bool:
        """Whether the service may be asked now. Whoever may says what came of it."""
        with self._lock:
            if self._rests_until is None:
                return True
            if self._now() < self._rests_until:
                return False
            self._rests_until = self._now() + self._rest_seconds  # for all but this one
            return True

    def answers(self) -> None:
        """It has begun to: nobody need wait for the end of it."""
        with self._lock:
            self._rests_until = None

    def succeeded(self) -> None:
        with self._lock:
            self._failures, self._rests_until = 0, None

    def failed(self) -> bool:
        """Whether it is left alone from now on."""
        with self._lock:
            self._failures += 1
            rests = self._failures >= self._most
            if rests:
                self._rests_until = self._now() + self._rest_seconds
            return rests
