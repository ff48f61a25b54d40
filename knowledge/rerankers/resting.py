"""A reranker that is left alone for a while after a failure: nobody waits for a dead one."""

import threading
import time
from collections.abc import Callable, Sequence

from knowledge.rerankers.base import Reranker, RerankerError

REST_SECONDS = 30.0


class RestingError(RerankerError):
    """The reranker was not asked: it failed a moment ago."""


class RestingReranker:
    """For all threads. After the rest one tries; the others go without until it succeeds."""

    def __init__(self, reranker: Reranker, *, now: Callable[[], float] = time.monotonic) -> None:
        self._reranker = reranker
        self._now = now
        self._lock = threading.Lock()
        self._rests_until: float | None = None

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        self._begin()
        try:
            relevance = self._reranker.rerank(query, texts)
        except RerankerError:
            self._rest()
            raise
        with self._lock:
            self._rests_until = None
        return relevance

    def _begin(self) -> None:
        with self._lock:
            if self._rests_until is None:
                return
            if self._now() < self._rests_until:
                raise RestingError("The reranker failed a moment ago and is left alone.")
            self._rests_until = self._now() + REST_SECONDS  # for all but this one

    def _rest(self) -> None:
        with self._lock:
            self._rests_until = self._now() + REST_SECONDS
