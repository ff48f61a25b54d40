"""A language model behind any OpenAI-compatible server, with a clock for every kind of silence."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import TYPE_CHECKING

from chat.llm.chunks import ChunkDecoder
from chat.llm.clocks import ModelClocks, Watch
from chat.llm.parameters import optional_parameters
from chat.llm.request import request_body
from chat.turn.language_model import ModelEvent, ModelRequest

if TYPE_CHECKING:
    from chat.llm.completions import Completion, Completions


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
        decoder = ChunkDecoder()
        watch = Watch(self._clocks, decoder)
        async with aclosing(await watch.begun(self._begin(completions, request))) as completion:
            while data := await watch.read(completion):
                for event in decoder.feed(data):
                    yield event
        for event in decoder.cut_short() if watch.ran_out else decoder.end():
            yield event

    def _begin(self, completions: "Completions", request: ModelRequest) -> Awaitable["Completion"]:
        temperature = request.temperature
        optional = optional_parameters(
            completions.host,
            temperature=self._temperature if temperature is None else temperature,
            visitor=request.visitor,
        )
        return completions.begin(request_body(request, model=self._model), optional)

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
