"""How long a model may be silent, and how long it may talk."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chat.llm.chunks import ChunkDecoder
from chat.turn.language_model import UpstreamError

if TYPE_CHECKING:
    from chat.llm.completions import Completion


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelClocks:
    """How long to wait, in monotonic seconds. Keep-alive comments and empty deltas stop no clock.

    `first_content_seconds` runs from the request to the first thing a model says,
    `progress_seconds` between things it says, `round_seconds` over all: then the text that came is
    the reply, cut short. After a finish reason, `trailer_seconds` is the wait for usage and [DONE],
    and after [DONE], `goodbye_seconds` the wait for the end of the body, without which a connection
    cannot be used again; when these two run out, the reply is whole nevertheless.
    """

    first_content_seconds: float
    progress_seconds: float
    round_seconds: float
    trailer_seconds: float = 2.0
    goodbye_seconds: float = 0.1


class Watch:
    """Waits for a reply no longer than the clocks allow.

    `ran_out` tells that the round's clock has ended a reply in the middle of its text.
    """

    def __init__(self, clocks: ModelClocks, decoder: ChunkDecoder) -> None:
        self._clocks = clocks
        self._decoder = decoder
        self._time = asyncio.get_running_loop().time
        self._seen = 0
        self._since = self._time()
        self._ends_at = self._since + clocks.round_seconds
        self.ran_out = False

    async def begun(self, completion: Awaitable["Completion"]) -> "Completion":
        try:
            async with asyncio.timeout_at(self._deadline()):
                return await completion
        except TimeoutError as error:
            raise self._silence() from error

    async def read(self, completion: "Completion") -> bytes:
        """The next bytes, or none when there is nothing more to wait for."""
        try:
            await completion.wait(self._deadline())
            return completion.taken()
        except (TimeoutError, UpstreamError) as error:
            if self._decoder.finished or self._decoder.done:
                return b""
            if isinstance(error, UpstreamError):
                raise
            if self._round_is_over() and self._decoder.spoken and not self._decoder.called:
                self.ran_out = True
                return b""
            raise self._silence() from error

    def _deadline(self) -> float:
        now = self._time()
        # Read when the last events have been taken, so that a slow reader is not a silent model.
        if self._decoder.progress != self._seen:
            self._seen = self._decoder.progress
            self._since = now
        if now >= self._ends_at:  # an endless stream may never make us wait
            raise TimeoutError
        return min(self._ends_at, self._since + self._patience())

    def _patience(self) -> float:
        if self._decoder.done:
            return self._clocks.goodbye_seconds
        if self._decoder.finished:
            return self._clocks.trailer_seconds
        if self._seen:
            return self._clocks.progress_seconds
        return self._clocks.first_content_seconds

    def _round_is_over(self) -> bool:
        return self._time() >= self._ends_at

    def _silence(self) -> UpstreamError:
        """A whole round more would cost the visitor another minute: only that is not retryable."""
        if self._round_is_over():
            return UpstreamError("upstream_timeout", retryable=False)
        return UpstreamError("upstream_stalled" if self._seen else "upstream_timeout")
