"""Processes that are asked to end, one after the other, while people chat."""

import asyncio
import time
from contextlib import AsyncExitStack

from tests.chat_client import ChatClient, new_id
from tests.faults.cluster import Cluster
from tests.faults.observer import assert_standing
from tests.faults.tab import Tab

SOCKETS = 200
TURNS = 20
GOODBYE_SECONDS = 3
MACHINE_SECONDS = 5
ROUNDS = 3


async def test_fault_30_process_that_is_asked_to_end_sends_all_away_and_loses_nothing(
    pair: Cluster,
) -> None:
    alice = await pair.visitor()
    async with AsyncExitStack() as stack:
        idle = [
            await stack.enter_async_context(pair.client(alice, 0)) for _ in range(SOCKETS - TURNS)
        ]
        busy = [await stack.enter_async_context(pair.client(alice, 0)) for _ in range(TURNS)]
        accepted = await asyncio.gather(
            *(client.send(f"The herd {number}") for number, client in enumerate(busy))
        )

        began = time.monotonic()
        pair.servers[0].terminate()
        codes = [await client.close_code() for client in (*idle, *busy)]
        seconds = time.monotonic() - began
        for client in busy:
            await client.connect(pair.servers[1])
        for client, frame in zip(busy, accepted, strict=True):
            await client.end_of(frame["turn"])
        exit_code = await asyncio.to_thread(pair.servers[0].wait)

        await assert_standing(pair, *busy)
    assert codes == [4012] * SOCKETS
    assert all(client.all_of("bye", code="draining") for client in (*idle, *busy))
    assert seconds < GOODBYE_SECONDS + MACHINE_SECONDS
    assert exit_code == 0
    assert not failed(busy)


async def test_fault_31_rolling_restarts_fail_no_reply(pair: Cluster) -> None:
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(pair.tab(await pair.visitor())) for _ in range(6)]
        chatting = [asyncio.create_task(chat(tab)) for tab in tabs]
        try:
            for turn in range(ROUNDS):
                await asyncio.to_thread(roll, pair, turn % 2)
        finally:
            for task in chatting:
                task.cancel()
            await asyncio.gather(*chatting, return_exceptions=True)

        await assert_standing(pair, *tabs)
    assert not failed(tabs)
    assert all(tab.all_of("end") for tab in tabs)


async def chat(tab: Tab) -> None:
    """One question after the other."""
    for number in range(1000):
        id_ = await tab.ask_soon(f"The caravan {number}", new_id())
        accepted = await tab.frame("accepted", id=id_)
        await tab.end_of(accepted["turn"])


def roll(pair: Cluster, index: int) -> None:
    pair.servers[index].terminate()
    pair.servers[index].wait()
    pair.servers[index].start()


def failed(clients: list[ChatClient] | list[Tab]) -> list[object]:
    return [frame for client in clients for frame in client.all_of("end", status="failed")]
