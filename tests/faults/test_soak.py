"""Random faults, half a minute of them here; `make soak` has as many as you like."""

import asyncio
import os
import random
import sys

from tests.chat_client import ChatClient
from tests.faults.cluster import Cluster, Resources
from tests.faults.soak import Soak

SECONDS = float(os.environ.get("SOAK_SECONDS") or 20)
SEED = int(os.environ.get("SOAK_SEED") or random.randrange(1_000_000))  # noqa: S311  (no secret)

VISITS = 40
"""At once. Each has two sockets, so that what is left behind soon outnumbers what is kept."""
SPARE_FILES = VISITS + 12
"""Connections are opened when they are first needed and then kept: to the provider one for each
turn that runs at the same time, to Postgres one for each thread."""
GROWTH_BYTES = 24 * 1024 * 1024


async def test_process_that_many_have_left_holds_nothing_of_theirs(pair: Cluster) -> None:
    """A6, in peace: files by the kernel's count, and memory."""
    pid = pair.servers[0].pid
    await visits(pair, VISITS)
    before = Resources.of(pid)

    for _ in range(2):
        await visits(pair, VISITS)

    await until_no_more_files(pid, before.open_files + SPARE_FILES)
    grown = Resources.of(pid).resident_bytes - before.resident_bytes
    assert grown < GROWTH_BYTES


async def visits(pair: Cluster, count: int) -> None:
    """So many at once who ask, lose their connection, come back, and leave."""
    alice = await pair.visitor()
    await asyncio.gather(*(visit(pair.client(alice)) for _ in range(count)))


async def visit(client: ChatClient) -> None:
    async with client:
        accepted = await client.send("The swallow")
        await client.until(lambda: client.text_of(accepted["turn"]))
        await client.vanish()
        await client.connect()
        await client.end_of(accepted["turn"])


async def until_no_more_files(pid: int, files: int) -> None:
    async with asyncio.timeout(20):
        while Resources.of(pid).open_files > files:
            await asyncio.sleep(0.1)


async def test_fault_35_nothing_is_lost_whatever_fails(pair: Cluster) -> None:
    soak = Soak(pair, seed=SEED)
    sys.stdout.write(f"SEED={SEED}\n")

    try:
        await soak.run(SECONDS)
    finally:
        sys.stdout.write(f"{soak.turns} turns, {len(soak.history)} faults: {soak.history}\n")
