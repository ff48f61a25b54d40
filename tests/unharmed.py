"""What no hostile client may change: the standing facts of every test of abuse."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

from tests.chat_client import ChatClient, Visitor
from tests.serving import ChatServer

GROWTH_BYTES = 32 * 1024 * 1024
HONEST_SECONDS = 1.0
TRIES = 3
"""A busy machine is no failure; a busy server would be slow every time."""


def memory(server: ChatServer) -> int:
    """Bytes that the process holds."""
    return int(psutil.Process(server.pid).memory_info().rss)


@asynccontextmanager
async def unharmed(server: ChatServer) -> AsyncIterator[None]:
    """The process lives, its memory is flat, its log is clean, and an honest client is served."""
    async with ChatClient(await Visitor.arrive(server)) as honest:
        await honest.ask("Is everything warm?")
        before = memory(server)

        yield

        grown = memory(server) - before
        assert server.running
        assert grown < GROWTH_BYTES
        assert not server.complaints
        assert await fastest(honest) < HONEST_SECONDS


async def fastest(client: ChatClient) -> float:
    """Seconds from a question to the end of its reply."""
    seconds: list[float] = []
    for number in range(TRIES):
        began = time.monotonic()
        await client.ask(f"Are you still there? I ask for the {number + 1}. time.")
        seconds.append(time.monotonic() - began)
        if seconds[-1] < HONEST_SECONDS:
            break
        await asyncio.sleep(0)
    return min(seconds)
