"""Reading events at the pace at which they come, and noticing when none do."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import Enum
from typing import Literal, TypeVar

T = TypeVar("T")


class Mark(Enum):
    SILENCE = "silence"
    END = "end"


async def paced(
    events: AsyncGenerator[T, None], silence_seconds: float
) -> AsyncGenerator[T | Literal[Mark.SILENCE], None]:
    """The events, and SILENCE whenever so many seconds pass without one.

    One task reads them all: a generator that is resumed by one task after the other cannot use
    timeouts of its own.
    """
    queue: asyncio.Queue[T | Literal[Mark.END]] = asyncio.Queue()
    reading = asyncio.create_task(read(events, queue))
    try:
        while (item := await next_item(queue, silence_seconds)) is not Mark.END:
            yield item
        await reading  # raises what the events raised
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def read(
    events: AsyncGenerator[T, None], queue: "asyncio.Queue[T | Literal[Mark.END]]"
) -> None:
    try:
        async with aclosing(events):
            async for event in events:
                queue.put_nowait(event)
    finally:
        queue.put_nowait(Mark.END)


async def next_item(
    queue: "asyncio.Queue[T | Literal[Mark.END]]", silence_seconds: float
) -> T | Mark:
    try:
        async with asyncio.timeout(silence_seconds):
            return await queue.get()
    except TimeoutError:
        return Mark.SILENCE
