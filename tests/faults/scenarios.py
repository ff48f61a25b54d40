"""Faults that a server must survive, and one with a deliberate mistake in it must not."""

import asyncio

from tests.faults.asking import (
    begin_half_told,
    begin_slowly_told,
    calls_about,
    slowly_told,
    stamps,
    told_more,
)
from tests.faults.cluster import Cluster
from tests.faults.observer import assert_standing
from tests.faults.redis_server import RedisServer
from tests.latch import Latch

OPENED_SECONDS = 15


async def check_zombie(pair: Cluster) -> None:
    """Process 0 sleeps until its turn is finished elsewhere, and then wants to finish it, too."""
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as reader:
        accepted, gate = await begin_half_told(pair, client, "The bat")
        (zombies,) = calls_about(pair, "The bat")
        await reader.subscribe(accepted["conversation"])
        await reader.until(lambda: reader.text_of(accepted["turn"]))

        pair.servers[0].freeze()
        await reader.end_of(accepted["turn"])
        pair.servers[0].thaw()
        gate.open()
        assert await opened(zombies.answered, zombies.disconnected)
        await client.end_of(accepted["turn"])

        await assert_standing(pair, client, reader)


async def opened(*latches: Latch) -> bool:
    """Whether one of them opens soon."""
    tasks = [asyncio.create_task(latch.wait()) for latch in latches]
    done, _ = await asyncio.wait(tasks, timeout=OPENED_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    return bool(done)


async def check_newcomer_after_loss(pair: Cluster, redis: RedisServer) -> None:
    """Process 1 has heard nothing of a reply when Redis loses what it had of it."""
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as newcomer:
        pair.provider.script(slowly_told("The egret"))
        accepted = await client.send("The egret")
        await client.until(lambda: stamps(client.text_of(accepted["turn"])))
        await told_more(client, accepted["turn"])

        redis.command("FLUSHALL")
        await told_more(client, accepted["turn"], 2)
        await newcomer.subscribe(accepted["conversation"])
        await told_more(newcomer, accepted["turn"])

        await assert_standing(pair, client, newcomer)
    assert not newcomer.all_of("snapshot")


async def check_lost_answer(pair: Cluster, redis: RedisServer) -> None:
    """Redis has written entries, and process 0 is not told so."""
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as reader:
        turn = await begin_slowly_told(pair, client, reader, "The otter")

        cut = pair.to_redis.trap(("up", b"XADD"), ("up", b":turn:"), ("down", b"1-"))
        assert await opened(cut)
        await told_more(reader, turn)

        await assert_standing(pair, client, reader)
    entries = redis.command("XRANGE", f"{pair.database}:turn:{turn}", "-", "+")
    assert isinstance(entries, list)
    ids = [entry[0].decode() for entry in entries]
    assert ids == [f"1-{n}" for n in range(1, len(ids) + 1)]
    assert ids[-1] == client.cursor_of(turn)
