"""Waiting for a model's next event without taking it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

from chat.turn.language_model import ModelEvent

T = TypeVar("T")


class Lookahead:
    """A round's events. Close it, so that nothing waits on when the reader is gone."""

    def __init__(self, events: AsyncGenerator[ModelEvent, None]) -> None:
        self._events = events
        self._next: asyncio.Task[ModelEvent | None] | None = None

    @property
    def ready(self) -> bool:
        """Whether `take` will give something at once."""
        return self._next is not None and self._next.done()

    async def wait(self, other: asyncio.Task[T] | None, seconds: float | None) -> None:
        """Until the next event is there, `other` is done, or so many seconds have passed."""
        if self._next is None:
            self._next = asyncio.create_task(self._following())
        waited = (self._next, other) if other else (self._next,)
        await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    async def take(self) -> ModelEvent | None:
        """The next event, or None after the last. Raises what the model raises."""
        following, self._next = self._next, None
        return await following if following else await anext(self._events, None)

    async def aclose(self) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)
        await self._events.aclose()

    async def _following(self) -> ModelEvent | None:
        return await anext(self._events, None)
