"""A reranker that is left alone for a while after a failure: nobody waits for a dead one."""

import time
from collections.abc import Sequence

from knowledge.circuit_breaker import CircuitBreaker, Clock
from knowledge.rerankers.base import Reranker, RerankerError

REST_SECONDS = 30.0


class RestingError(RerankerError):
    """The reranker was not asked: it failed a moment ago."""


class RestingReranker:
    """For all threads. After the rest one tries; the others go without until it succeeds."""

    def __init__(self, reranker: Reranker, *, now: Clock = time.monotonic) -> None:
        self._reranker = reranker
        self._breaker = CircuitBreaker(rest_seconds=REST_SECONDS, now=now)

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        if not self._breaker.lets_through():
            raise RestingError("The reranker failed a moment ago and is left alone.")
        try:
            relevance = self._reranker.rerank(query, texts)
        except RerankerError:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return relevance
