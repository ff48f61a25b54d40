"""Readers that read slowly or not at all, vanish without a word, or say what they may not."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.chat_client import ChatClient, new_id
from tests.faults.asking import begin_half_told
from tests.faults.cluster import Cluster, Resources
from tests.faults.observer import assert_standing
from tests.faults.provider import story
from tests.openai_script import Answer

LONG = 10_000
"""Sentences, of about 30 characters each."""
MEGABYTE = 1024 * 1024
STUCK = 100


async def test_fault_26_readers_that_never_read_cost_little_and_can_resume(pair: Cluster) -> None:
    pair.provider.script(
        Answer(story("The whale", sentences=LONG, in_paragraph=100), pieces=200, pace=0)
    )
    alice = await pair.visitor()
    async with AsyncExitStack() as stack:
        stuck = [ChatClient(alice, pongs=False) for _ in range(STUCK)]
        for reader in stuck:
            await stack.enter_async_context(reader)
        client = await stack.enter_async_context(pair.client(alice))
        before = Resources.of(pair.servers[0].pid)
        accepted = await client.send("The whale")
        for reader in stuck:
            await reader.subscribe(accepted["conversation"])
        await client.end_of(accepted["turn"])
        grown = Resources.of(pair.servers[0].pid).resident_bytes - before.resident_bytes
        lost = [await reader.close_code() for reader in stuck]
        stuck[0].pongs = True
        await stuck[0].connect()

        await assert_standing(pair, client, stuck[0])
    assert set(lost) <= {4000, 4001}
    assert grown < 64 * MEGABYTE


async def test_fault_27_slow_reader_stays_and_gets_bigger_frames(pair: Cluster) -> None:
    text = story("The manatee", sentences=LONG, in_paragraph=LONG)
    pair.provider.script(Answer(text, pieces=4_000, pace=0.001))
    alice = await pair.visitor()
    with pair.door(0) as door:
        door.proxy.bytes_per_second = 100_000
        async with ChatClient(alice, entrance=door) as slow, pair.client(alice, 0) as quick:
            accepted = await quick.send("The manatee")
            await slow.subscribe(accepted["conversation"])
            await quick.end_of(accepted["turn"])
            await slow.end_of(accepted["turn"])

            await assert_standing(pair, slow, quick)
    assert len(slow.all_of("welcome")) == 1
    assert len(slow.frames_of(accepted["turn"])) < len(quick.frames_of(accepted["turn"]))


async def test_reader_ahead_of_a_turn_of_another_process_is_told_its_end(pair: Cluster) -> None:
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as reader:
        accepted, gate = await begin_half_told(pair, client, "The hare")
        talk = accepted["conversation"]
        ahead = {"id": accepted["turn"], "cursor": "1-999999"}
        await reader.subscribe(talk, turn=ahead)
        await reader.frame("sync")

        gate.open()
        await reader.end_of(accepted["turn"])
        refused = {"type": "subscribe", "conversation": talk, "turn": ahead}
        codes = [await each.error(refused) for each in (client, reader)]

        await assert_standing(pair, client, reader)
    assert codes == ["bad_cursor", "bad_cursor"]


async def test_fault_28_client_that_sleeps_is_given_up_and_resumes_when_it_wakes(
    pair: Cluster,
) -> None:
    files = Resources.of(pair.servers[0].pid).open_files
    with pair.door(0) as door:
        async with ChatClient(await pair.visitor(), entrance=door) as client:
            accepted, gate = await begin_half_told(pair, client, "The bear in winter")
            door.proxy.hold()
            gate.open()
            await until_closed(pair, files)

            door.proxy.cut()
            door.proxy.release()
            await client.vanish()
            await client.connect()
            await client.end_of(accepted["turn"])

            await assert_standing(pair, client)
    assert client.repeats == 0


async def until_closed(pair: Cluster, files: int) -> None:
    """Returns when the process holds no more than so many files, sockets among them."""
    async with asyncio.timeout(30):
        while Resources.of(pair.servers[0].pid).open_files > files:
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("frame", "code"),
    [("{" * 5, 4500), ('{"type":"fly"}', 4500), (b"\0", 4500), ("[" + "9" * 20_000, 1009)],
)
async def test_fault_29_rubbish_ends_its_own_connection_and_no_other(
    pair: Cluster, frame: str | bytes, code: int
) -> None:
    alice, mallory = await pair.visitor(), await pair.visitor()
    async with pair.client(alice) as client:
        accepted, gate = await begin_half_told(pair, client, "The hawk")

        async with pair.client(mallory) as hostile:
            for _ in range(5):
                await hostile.say(frame)
            closed = await hostile.close_code()
        gate.open()

        await assert_standing(pair, client)
    assert closed == code
    assert client.reply(accepted["turn"]).end


async def test_fault_29_conversation_of_another_is_not_there(pair: Cluster) -> None:
    async with pair.client(await pair.visitor(), 0) as client:
        ended = await client.ask("The wren")
        talk = client.conversation_of(ended["turn"])

        async with pair.client(await pair.visitor(), 1) as stranger:
            theirs = await stranger.error({"type": "subscribe", "conversation": talk})
            nobodys = await stranger.error({"type": "subscribe", "conversation": new_id()})

    assert (theirs, nobodys) == ("not_found", "not_found")
