"""A language model that is left alone for a while when it keeps failing: nobody waits for it."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from chat.metrics import MODEL_RESTS
from chat.turn.language_model import LanguageModel, ModelEvent, ModelRequest, UpstreamError
from knowledge.circuit_breaker import CircuitBreaker, Clock

FAILURES = 5
"""In a row, by whichever turns. Every turn tries twice."""


class RestingLanguageModel:
    """For all turns. After the rest one round tries; the others are refused
    until it has said something.

    What the provider refuses for good (`retryable` is false) costs nobody time, and may be the
    fault of one visitor's words: it does not count.
    """

    def __init__(
        self, model: LanguageModel, *, rest_seconds: float, now: Clock = time.monotonic
    ) -> None:
        self._model = model
        self._breaker = CircuitBreaker(rest_seconds=rest_seconds, failures=FAILURES, now=now)
        self._code = ""

    @property
    def name(self) -> str:
        return self._model.name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Raises UpstreamError, without asking while the model rests."""
        if not self._breaker.lets_through():
            raise UpstreamError(self._code, retryable=False)
        try:
            async with aclosing(self._model.stream(request)) as events:
                async for event in events:
                    self._breaker.answers()
                    yield event
        except UpstreamError as error:
            self._note(error)
            raise
        self._breaker.succeeded()

    def _note(self, error: UpstreamError) -> None:
        if not error.retryable and error.code != "upstream_timeout":
            return
        self._code = error.code
        if self._breaker.failed():
            MODEL_RESTS.inc()
