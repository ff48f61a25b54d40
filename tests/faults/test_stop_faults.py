"""Stop, from wherever and whenever somebody asks for it."""

import asyncio
import time

import pytest

from tests.faults.asking import HALF, begin_half_told, calls_about, stamps
from tests.faults.cluster import LEASE_SECONDS, Cluster
from tests.faults.observer import assert_standing
from tests.latch import Latch
from tests.openai_script import Answer

STOP_SECONDS = 1
MACHINE_SECONDS = 3
TURN = "SELECT status FROM chat_turn WHERE key = %s"


@pytest.mark.parametrize("index", [0, 1])
async def test_fault_25_stop_is_obeyed_within_a_second_wherever_it_is_said(
    pair: Cluster, index: int
) -> None:
    question = f"The magpie {index}"
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, index) as other:
        accepted, _ = await begin_half_told(pair, client, question)
        (call,) = calls_about(pair, question)

        began = time.monotonic()
        for _ in range(2):
            await other.say({"type": "stop", "turn": accepted["turn"]})
        await asyncio.wait_for(call.disconnected.wait(), 10)
        seconds = time.monotonic() - began
        ended = await client.end_of(accepted["turn"])

        await assert_standing(pair, client)
    assert seconds < STOP_SECONDS + MACHINE_SECONDS
    assert ended["status"] == "stopped"
    assert stamps(client.text_of(accepted["turn"])) >= HALF - 1


async def test_fault_25_stop_before_the_first_word_is_obeyed(pair: Cluster) -> None:
    pair.provider.script(Answer("Never said.", gate=Latch()))
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as other:
        accepted = await client.send("The jay")

        await other.say({"type": "stop", "send": accepted["id"]})
        ended = await client.end_of(accepted["turn"])

        await assert_standing(pair, client)
    assert (ended["status"], client.text_of(accepted["turn"])) == ("stopped", "")


async def test_fault_25_stop_after_the_end_changes_nothing(pair: Cluster) -> None:
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as other:
        ended = await client.ask("The finch")

        await other.say({"type": "stop", "turn": ended["turn"]})
        await other.ask("The linnet")

        await assert_standing(pair, client, other)
    assert ended["status"] == "done"


async def test_fault_25_stop_while_the_owner_is_dead_is_obeyed_by_the_next(pair: Cluster) -> None:
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as other:
        accepted, _ = await begin_half_told(pair, client, "The rook")
        pair.servers[0].kill()

        await other.say({"type": "stop", "turn": accepted["turn"]})
        await other.subscribe(accepted["conversation"])
        ended = await other.end_of(accepted["turn"], LEASE_SECONDS + 5 + MACHINE_SECONDS)
        await client.connect(pair.servers[1])

        await assert_standing(pair, client, other)
    assert ended["status"] == "stopped"
