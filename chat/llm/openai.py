"""A language model behind any OpenAI-compatible server, with a clock for every kind of silence."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chat.llm.chunks import ChunkDecoder
from chat.llm.request import request_body
from chat.turn.language_model import ModelEvent, ModelRequest, UpstreamError

if TYPE_CHECKING:
    from chat.llm.completions import Completions


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelClocks:
    """How long to wait, in monotonic seconds. Keep-alive comments and empty deltas stop no clock.

    `first_content_seconds` runs from the request to the first thing a model says,
    `progress_seconds` between things it says, `round_seconds` over all. After a finish reason,
    `trailer_seconds` is the wait for usage and [DONE], and after [DONE], `goodbye_seconds` the wait
    for the end of the body, without which a connection cannot be used again; when these two run
    out, the reply is whole nevertheless.
    """

    first_content_seconds: float
    progress_seconds: float
    round_seconds: float
    trailer_seconds: float = 2.0
    goodbye_seconds: float = 0.1


class OpenAILanguageModel:
    """One client, built on first use and shared by all rounds; for one event loop.

    An empty `base_url` is OpenAI's own. `temperature` is for requests that name none.
    """

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        model: str,
        temperature: float | None,
        clocks: ModelClocks,
        connect_seconds: float,
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._model = model
        self._temperature = temperature
        self._clocks = clocks
        self._connect_seconds = connect_seconds
        self._lock = threading.Lock()
        self._completions: Completions | None = None

    @property
    def name(self) -> str:
        return self._model

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Text and tool calls as they come, then RoundUsage if it is known, then RoundFinished."""
        completions = await self._connected()
        body = request_body(request, model=self._model, temperature=self._temperature)
        decoder = ChunkDecoder()
        watch = _Watch(self._clocks, decoder)
        async with aclosing(completions.chunks(body)) as chunks:
            while (chunk := await watch.next_of(chunks)) is not None:
                for event in decoder.feed(chunk):
                    yield event
        for event in decoder.end():
            yield event

    async def warm_up(self) -> None:
        """Loads the client now, so that the first visitor does not wait for it."""
        await self._connected()

    async def aclose(self) -> None:
        """Closes the connections. A later request opens new ones."""
        completions, self._completions = self._completions, None
        if completions:
            await completions.aclose()

    async def _connected(self) -> "Completions":
        if self._completions:
            return self._completions
        return await asyncio.to_thread(self._built)

    def _built(self) -> "Completions":
        # Importing openai takes 1 s of CPU: neither the start nor the event loop waits for it.
        from chat.llm.completions import Completions  # noqa: PLC0415

        with self._lock:
            if self._completions is None:
                self._completions = Completions(
                    api_key=self._api_key,
                    base_url=self._base_url,
                    connect_seconds=self._connect_seconds,
                )
            return self._completions


class _Watch:
    """Waits for a reply's bytes no longer than the clocks allow."""

    def __init__(self, clocks: ModelClocks, decoder: ChunkDecoder) -> None:
        self._clocks = clocks
        self._decoder = decoder
        self._seen = 0
        self._since = _now()
        self._ends_at = self._since + clocks.round_seconds

    async def next_of(self, chunks: AsyncGenerator[bytes, None]) -> bytes | None:
        """The next bytes, or None when there is nothing more to wait for."""
        try:
            async with asyncio.timeout_at(self._deadline()):
                return await anext(chunks)
        except StopAsyncIteration:
            return None
        except (TimeoutError, UpstreamError) as error:
            if self._decoder.finished or self._decoder.done:
                return None
            if isinstance(error, UpstreamError):
                raise
            raise UpstreamError(self._silence()) from error

    def _deadline(self) -> float:
        # Read when the last events have been taken, so that a slow reader is not a silent model.
        if self._decoder.progress != self._seen:
            self._seen = self._decoder.progress
            self._since = _now()
        return min(self._ends_at, self._since + self._patience())

    def _patience(self) -> float:
        if self._decoder.done:
            return self._clocks.goodbye_seconds
        if self._decoder.finished:
            return self._clocks.trailer_seconds
        if self._seen:
            return self._clocks.progress_seconds
        return self._clocks.first_content_seconds

    def _silence(self) -> str:
        return "upstream_stalled" if self._seen else "upstream_timeout"


def _now() -> float:
    return asyncio.get_running_loop().time()
