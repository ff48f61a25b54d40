"""A language model that is left alone for a while when it keeps failing: nobody waits for it."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from chat.metrics import MODEL_RESTS
from chat.turn.language_model import LanguageModel, ModelEvent, ModelRequest, UpstreamError

FAILURES = 5
"""In a row, by whichever turns. Every turn tries twice."""


class RestingLanguageModel:
    """For all turns of one event loop. After the rest one round tries; the others are refused
    until it has said something.

    What the provider refuses for good (`retryable` is false) costs nobody time, and may be the
    fault of one visitor's words: it does not count.
    """

    def __init__(
        self,
        model: LanguageModel,
        *,
        rest_seconds: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._rest_seconds = rest_seconds
        self._now = now
        self._failures = 0
        self._code = ""
        self._rests_until: float | None = None

    @property
    def name(self) -> str:
        return self._model.name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Raises UpstreamError, without asking while the model rests."""
        self._begin()
        try:
            async with aclosing(self._model.stream(request)) as events:
                async for event in events:
                    self._rests_until = None
                    yield event
        except UpstreamError as error:
            self._note(error)
            raise
        self._failures = 0

    def _begin(self) -> None:
        if self._rests_until is None:
            return
        if self._now() < self._rests_until:
            raise UpstreamError(self._code, retryable=False)
        self._rests_until = self._now() + self._rest_seconds  # for all but this one

    def _note(self, error: UpstreamError) -> None:
        if not error.retryable and error.code != "upstream_timeout":
            return
        self._failures += 1
        self._code = error.code
        if self._failures >= FAILURES:
            MODEL_RESTS.inc()
            self._rests_until = self._now() + self._rest_seconds
