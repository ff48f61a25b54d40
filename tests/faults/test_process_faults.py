"""Processes that are killed, frozen, blocked, or asked to end, in the middle of their work."""

import asyncio
import time

from tests.chat_client import ChatClient, send_command
from tests.chat_reply import Frame
from tests.faults.asking import begin_half_told, calls_about
from tests.faults.cluster import LEASE_SECONDS, Cluster
from tests.faults.observer import assert_standing
from tests.faults.scenarios import check_zombie
from tests.openai_script import CallTool

TAKEOVER_SECONDS = LEASE_SECONDS + 5
MACHINE_SECONDS = 5
"""What a busy machine may add to any limit."""
LATEST_REPLY = """
SELECT t.status, t.attempt, m.text FROM chat_turn t JOIN chat_message m ON m.id = t.reply_id
ORDER BY t.created_at DESC LIMIT 1
"""
TURN = "SELECT status, attempt FROM chat_turn WHERE key = %s"


def restarts(client: ChatClient) -> list[Frame]:
    return [f["event"] for f in client.all_of("event") if f["event"]["kind"] == "restarted"]


async def test_fault_06_turn_of_a_killed_process_is_finished_by_its_peer(pair: Cluster) -> None:
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as reader:
        accepted, _ = await begin_half_told(pair, client, "The stag")
        await reader.subscribe(accepted["conversation"])
        await reader.until(lambda: reader.text_of(accepted["turn"]))

        began = time.monotonic()
        pair.servers[0].kill()
        await reader.until(lambda: restarts(reader))
        seconds = time.monotonic() - began
        await client.connect(pair.servers[1])

        await assert_standing(pair, client, reader)
    assert seconds < TAKEOVER_SECONDS + MACHINE_SECONDS
    assert restarts(reader) == [{"kind": "restarted", "keep": 0, "why": "worker_lost"}]
    assert pair.rows(TURN, accepted["id"]) == [("done", 2)]


async def test_fault_07_message_is_answered_though_its_process_died_before_it_said_so(
    pair: Cluster,
) -> None:
    pair.restart(0, FAILPOINTS="chat.conversations.accept_send:after:exit")
    alice = await pair.visitor()
    command = send_command("The crow")
    async with pair.client(alice, 0) as client:
        await client.say(command)
        await client.close_code()

    async with pair.client(alice, -1) as reader:
        await reader.subscribe(command["conversation"])

        await reader.until(lambda: reader.replies)
        await assert_standing(pair, reader)
    assert pair.rows(TURN, command["id"]) == [("done", 1)]


async def test_fault_08_end_that_was_stored_and_not_told_is_told_from_storage(
    pair: Cluster,
) -> None:
    pair.restart(0, FAILPOINTS="chat.turns.end:after:exit")
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, -1) as reader:
        accepted, gate = await begin_half_told(pair, client, "The moth")
        await reader.subscribe(accepted["conversation"])
        await reader.until(lambda: reader.text_of(accepted["turn"]))

        gate.open()
        await client.close_code()
        await reader.end_of(accepted["turn"], 4 + MACHINE_SECONDS)
        await client.connect(pair.servers[-1])

        await assert_standing(pair, client, reader)
    assert pair.rows(TURN, accepted["id"]) == [("done", 1)]  # so nobody wrote the end but Postgres


async def test_fault_09_tool_call_of_a_killed_process_is_made_again(pair: Cluster) -> None:
    pair.restart(0, FAILPOINTS="chat.tools.KnowledgeSearch.search:after:exit")
    pair.provider.script(CallTool("孩子只吃白米饭怎么办？"), CallTool("孩子只吃白米饭怎么办？"))
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client:
        await client.say(client.note_unaccepted(send_command("孩子只吃白米饭怎么办？")))
        await client.close_code()
        await client.connect(pair.servers[-1])

        await client.until(lambda: client.replies)
        (turn,) = client.replies
        ended = await client.end_of(turn)

        await assert_standing(pair, client)
    assert (ended["status"], ended["grounding"]) == ("done", "answer")


async def test_fault_10_process_that_wakes_after_its_turn_was_taken_changes_nothing(
    pair: Cluster,
) -> None:
    await check_zombie(pair)

    await asyncio.to_thread(pair.servers[0].wait_for_log, "another process's now")
    (_, successors) = calls_about(pair, "The bat")
    assert pair.rows(LATEST_REPLY) == [("done", 2, successors.text)]


async def test_process_that_freezes_with_locks_in_postgres_loses_its_turn(pair: Cluster) -> None:
    pair.restart(0, FAILPOINTS="chat.turns.reply_columns:before:stop")
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as reader:
        accepted, gate = await begin_half_told(pair, client, "The boar")
        await reader.subscribe(accepted["conversation"])
        await reader.until(lambda: reader.text_of(accepted["turn"]))

        began = time.monotonic()
        gate.open()
        await reader.until(lambda: restarts(reader))
        seconds = time.monotonic() - began
        await reader.end_of(accepted["turn"])
        pair.servers[0].thaw()
        await asyncio.to_thread(pair.servers[0].wait_for_log, "another process's now")

        await assert_standing(pair, reader)
    assert seconds < TAKEOVER_SECONDS + MACHINE_SECONDS
    assert pair.rows(TURN, accepted["id"]) == [("done", 2)]


async def test_fault_11_all_of_it_may_be_killed_at_once(single: Cluster) -> None:
    (server,) = single.servers
    async with single.client(await single.visitor()) as client:
        accepted, _ = await begin_half_told(single, client, "The lark")

        server.kill()
        single.postgres.restart_at_once()
        server.start()
        await client.connect()
        await client.end_of(accepted["turn"])

        await assert_standing(single, client)
    assert single.rows(TURN, accepted["id"]) == [("done", 2)]


async def test_fault_34_blocked_process_keeps_its_turn(calm: Cluster) -> None:
    calm.restart(0, FAILPOINTS="chat.reply.Reply.add:before:sleep=3")
    alice = await calm.visitor()
    async with calm.client(alice, 0) as client, calm.client(alice, -1) as reader:
        accepted = await client.send("The snail")
        await reader.subscribe(accepted["conversation"])
        await client.end_of(accepted["turn"])

        await assert_standing(calm, client, reader)
    assert calm.rows(TURN, accepted["id"]) == [("done", 1)]
