"""Redis dies, is emptied, falls silent, forgets to answer, or was never there."""

from collections.abc import Callable

import httpx2
import pytest

from tests.faults.asking import HALF, begin_half_told, begin_slowly_told, stamps, told_more
from tests.faults.cluster import Cluster
from tests.faults.observer import assert_standing
from tests.faults.redis_server import RedisServer
from tests.faults.scenarios import check_lost_answer, check_newcomer_after_loss
from tests.serving import free_port

TURN = "SELECT status, attempt FROM chat_turn WHERE id = %s"


def emptied(redis: RedisServer) -> None:
    redis.command("FLUSHALL")


def without_the_turns(redis: RedisServer) -> None:
    for key in redis.keys("*:turn:*"):
        redis.command("DEL", key)


def restarted(redis: RedisServer) -> None:
    redis.restart()


def full_for_a_moment(redis: RedisServer) -> None:
    redis.command("CONFIG", "SET", "maxmemory", "1")
    redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    redis.command("CONFIG", "SET", "maxmemory", "0")


async def test_fault_12_reply_goes_on_while_redis_is_away_and_everywhere_when_it_is_back(
    pair: Cluster, redis: RedisServer
) -> None:
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as reader:
        turn = await begin_slowly_told(pair, client, reader, "The mouse")

        redis.kill()
        await told_more(client, turn)
        redis.start()
        await told_more(reader, turn)

        await assert_standing(pair, client, reader)
    assert not reader.all_of("snapshot")
    assert pair.rows(TURN, turn) == [("done", 1)]


@pytest.mark.parametrize("lose", [emptied, without_the_turns, restarted, full_for_a_moment])
async def test_fault_13_log_that_was_lost_is_written_anew(
    pair: Cluster, redis: RedisServer, lose: Callable[[RedisServer], None]
) -> None:
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as reader:
        turn = await begin_slowly_told(pair, client, reader, "The heron")

        lose(redis)
        await told_more(reader, turn)

        await assert_standing(pair, client, reader)
    assert not reader.all_of("snapshot")


async def test_fault_13_who_comes_after_the_log_was_lost_is_told_all_of_it(
    pair: Cluster, redis: RedisServer
) -> None:
    await check_newcomer_after_loss(pair, redis)


async def test_fault_14_frozen_redis_slows_no_reader_of_the_same_process(
    pair: Cluster, redis: RedisServer
) -> None:
    async with pair.client(await pair.visitor(), 0) as client:
        redis.freeze()
        ended = await client.ask("The sloth")
        redis.thaw()

        await assert_standing(pair, client)
    assert ended["status"] == "done"


async def test_fault_14_stop_elsewhere_is_heard_without_redis(
    pair: Cluster, redis: RedisServer
) -> None:
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as reader:
        accepted, _ = await begin_half_told(pair, client, "The tortoise")
        redis.freeze()
        await reader.say({"type": "stop", "turn": accepted["turn"]})
        ended = await client.end_of(accepted["turn"], seconds=10)
        redis.thaw()

        await assert_standing(pair, client)
    assert ended["status"] == "stopped"
    assert stamps(client.text_of(accepted["turn"])) >= HALF - 1


async def test_fault_15_entry_whose_answer_was_lost_is_written_once(
    pair: Cluster, redis: RedisServer
) -> None:
    await check_lost_answer(pair, redis)


async def test_fault_16_process_without_its_redis_serves_alone(pair: Cluster) -> None:
    pair.restart(0, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 0) as reader:
        accepted, gate = await begin_half_told(pair, client, "The hermit crab")
        await reader.subscribe(accepted["conversation"])
        await reader.until(lambda: reader.text_of(accepted["turn"]))
        gate.open()
        await reader.end_of(accepted["turn"])

        await assert_standing(pair, client, reader)
    ready = httpx2.get(f"{pair.servers[0].url}/readyz")
    assert pair.rows(TURN, accepted["turn"]) == [("done", 1)]
    assert (ready.status_code, ready.json()["degraded"]) == (200, ["redis"])
