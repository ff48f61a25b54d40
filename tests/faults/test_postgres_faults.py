"""Postgres restarts, stays away, is slow, or forgets to say what it has done."""

import asyncio

import pytest

from tests.chat_client import new_id, send_command
from tests.faults.asking import begin_half_told, calls_about
from tests.faults.cluster import Cluster
from tests.faults.observer import assert_standing
from tests.faults.proxy import Direction
from tests.faults.tab import Tab

TURN = "SELECT status, attempt FROM chat_turn WHERE key = %s"
STORES_THE_END = (("up", b'"grounding"'), ("down", b"COMMIT"))
STORES_THE_MESSAGE = (("up", b'INSERT INTO "chat_turn"'), ("down", b"COMMIT"))


async def test_fault_17_restart_of_postgres_costs_no_turn_and_no_socket(calm: Cluster) -> None:
    alice = await calm.visitor()
    async with calm.client(alice, 0) as client, calm.client(alice, -1) as reader:
        accepted, gate = await begin_half_told(calm, client, "The goose")
        await reader.subscribe(accepted["conversation"])
        await reader.until(lambda: reader.text_of(accepted["turn"]))

        calm.postgres.restart_at_once()
        gate.open()
        await client.end_of(accepted["turn"])

        await assert_standing(calm, client, reader)
    assert calm.rows(TURN, accepted["id"]) == [("done", 1)]
    assert len(client.all_of("welcome")) == len(reader.all_of("welcome")) == 1


async def test_fault_17_end_waits_for_a_postgres_that_is_away(calm: Cluster) -> None:
    async with calm.client(await calm.visitor(), 0) as client:
        accepted, gate = await begin_half_told(calm, client, "The swan")

        calm.postgres.stop()
        gate.open()
        await asyncio.to_thread(calm.servers[0].wait_for_log, "not stored")
        calm.postgres.start()
        await client.end_of(accepted["turn"])

        await assert_standing(calm, client)
    assert calm.rows(TURN, accepted["id"]) == [("done", 1)]


async def test_fault_18_message_waits_in_the_outbox_while_postgres_is_away(
    pair: Cluster,
) -> None:
    alice = await pair.visitor()
    async with pair.tab(alice, 0) as first, pair.tab(alice, -1) as second:
        pair.postgres.stop()
        for tab, question in ((first, "The pike"), (second, "The carp")):
            await tab.ask_soon(question, new_id())
        for tab in (first, second):
            await refused_twice(tab)
        nothing = [tab.all_of("accepted") for tab in (first, second)]
        pair.postgres.start()
        for tab in (first, second):
            await tab.frame("accepted")

        await assert_standing(pair, first, second)
    assert nothing == [[], []]
    assert [len(calls_about(pair, q)) for q in ("The pike", "The carp")] == [1, 1]


async def refused_twice(tab: Tab) -> None:
    await tab.until(lambda: len(tab.all_of("error", code="unavailable")) > 1)


@pytest.mark.parametrize("said", [STORES_THE_END, STORES_THE_MESSAGE], ids=["end", "message"])
async def test_fault_19_commit_whose_answer_was_lost_is_not_done_twice(
    pair: Cluster, said: tuple[tuple[Direction, bytes], ...]
) -> None:
    question = f"The toad {new_id()}"
    async with pair.tab(await pair.visitor(), 0) as tab:
        cut = pair.to_postgres.trap(*said)

        id_ = await tab.ask_soon(question, new_id())
        await cut.wait()
        await tab.frame("accepted")

        await assert_standing(pair, tab)
    assert pair.rows(TURN, id_) == [("done", 1)]
    assert len(calls_about(pair, question)) == 1


async def test_fault_20_row_that_waits_for_a_lock_makes_nobody_else_wait(pair: Cluster) -> None:
    alice, bob = await pair.visitor(), await pair.visitor()
    async with pair.client(alice, 0) as first:
        ended = await first.ask("The mole")
        talk = first.conversation_of(ended["turn"])
        with pair.locked_conversation(talk):
            late = send_command("The mole again", conversation=talk)
            await first.say(first.note_unaccepted(late))
            async with asyncio.timeout(10), pair.client(bob, 0) as second:
                await second.ask("The shrew")
            waited = not first.all_of("accepted", id=late["id"])

        await first.frame("accepted", id=late["id"])
        await assert_standing(pair, first, second)
    assert waited
