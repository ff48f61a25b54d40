"""What the delta log in Redis does when Redis fails, and what it leaves there."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest

from chat.delta_log.bells import TurnsLeft
from chat.delta_log.redis import RedisDeltaLog
from chat.turn.cursor import Cursor
from tests.faults.redis_server import RedisServer
from tests.integration.log_owner import (
    LIMIT_SECONDS,
    PREFIX,
    Owner,
    key_of,
    reached,
    text_of,
    until,
    written,
)


async def test_ids_in_redis_are_the_cursors(
    redis: RedisServer, open_log: Callable[[], RedisDeltaLog]
) -> None:
    owner = Owner(open_log())

    await owner.write("一", "二")
    await written(redis, owner, 2)

    entries = redis.command("XRANGE", key_of(owner), "-", "+")
    assert [entry[0] for entry in entries] == [b"1-1", b"1-2"]  # type: ignore[attr-defined]
    assert 0 < redis.command("TTL", key_of(owner)) <= 900  # type: ignore[operator]


@pytest.mark.parametrize(
    "loss",
    [("FLUSHALL",), ("DEL", "{key}"), ("XTRIM", "{key}", "MAXLEN", 1)],
    ids=lambda words: words[0],
)
async def test_lost_log_is_written_anew_under_the_same_ids(
    redis: RedisServer, open_log: Callable[[], RedisDeltaLog], loss: tuple[str | int, ...]
) -> None:
    owner, reader = Owner(open_log()), open_log()
    await owner.write("一", "二", "三")
    await written(redis, owner, 3)
    redis.command(*[str(word).format(key=key_of(owner)) for word in loss])

    await owner.write("四")
    await written(redis, owner, 4)

    with reader.follow(owner.turn) as tail:
        assert text_of(await reached(tail, Cursor(1, 4))) == "一二三四"


async def test_readers_place_survives_the_loss_of_the_log(
    redis: RedisServer, open_log: Callable[[], RedisDeltaLog]
) -> None:
    owner, reader = Owner(open_log()), open_log()
    with reader.follow(owner.turn) as tail:
        await owner.write("一", "二")
        await reached(tail, Cursor(1, 2))
        redis.command("FLUSHALL")

        await owner.write("三")

        assert text_of(await reached(tail, Cursor(1, 3))) == "一二三"


async def test_owner_who_was_replaced_is_fenced(
    redis: RedisServer, open_log: Callable[[], RedisDeltaLog]
) -> None:
    zombie = Owner(open_log())
    await zombie.write("old")
    await written(redis, zombie, 1)
    successor = Owner(open_log(), zombie.turn, attempt=2)
    await successor.write("new")
    await written(redis, zombie, 2)

    await zombie.write("too late")
    await asyncio.wait_for(zombie.fenced.wait(), LIMIT_SECONDS)
    await successor.write("er")

    with open_log().follow(zombie.turn) as tail:
        assert text_of(await reached(tail, Cursor(2, 2))) == "oldnewer"
    assert not successor.fenced.is_set()


async def test_readers_of_a_fenced_owner_follow_its_successor(
    redis: RedisServer, open_log: Callable[[], RedisDeltaLog]
) -> None:
    log = open_log()
    zombie = Owner(log)
    with log.follow(zombie.turn) as tail:
        await zombie.write("old")
        await written(redis, zombie, 1)
        await Owner(open_log(), zombie.turn, attempt=2).write("new")
        await written(redis, zombie, 2)
        await zombie.write("er")
        await asyncio.wait_for(zombie.fenced.wait(), LIMIT_SECONDS)

        log.release(zombie.turn)

        assert text_of(await reached(tail, Cursor(2, 1))) == "oldernew"


async def test_owner_writes_on_while_redis_is_away(
    redis: RedisServer, open_log: Callable[[], RedisDeltaLog]
) -> None:
    log, reader = open_log(), open_log()
    owner = Owner(log)
    with reader.follow(owner.turn) as remote, log.follow(owner.turn) as local:
        await owner.write("一")
        await reached(remote, Cursor(1, 1))
        redis.kill()

        async with asyncio.timeout(1):
            await owner.write("二", "三")
            await reached(local, Cursor(1, 3))
        await until(lambda: not log.connected)
        redis.start()

        assert text_of(await reached(remote, Cursor(1, 3))) == "一二三"
        await until(lambda: log.connected)


async def test_frozen_redis_keeps_nobody_waiting(
    redis: RedisServer, open_log: Callable[[], RedisDeltaLog]
) -> None:
    log, reader = open_log(), open_log()
    owner = Owner(log)
    with reader.follow(owner.turn) as remote, log.follow(owner.turn) as local:
        await owner.write("一")
        await reached(remote, Cursor(1, 1))
        redis.freeze()

        async with asyncio.timeout(1):
            await owner.write("二")
            await reached(local, Cursor(1, 2))
        await until(lambda: not log.connected)
        redis.thaw()
        await owner.write("三")

        assert text_of(await reached(remote, Cursor(1, 3))) == "一二三"


async def test_log_that_idles_stays_connected(
    redis: RedisServer, open_log: Callable[[], RedisDeltaLog]
) -> None:
    """Longer than the library's own timeouts, which close idle connections after 5 seconds."""
    log, reader = open_log(), open_log()
    owner = Owner(log)
    await owner.write("一")
    with reader.follow(owner.turn) as tail:
        await reached(tail, Cursor(1, 1))
        connections = redis.command("INFO", "stats")["total_connections_received"]  # type: ignore[index]

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(7):
                await tail.news_for(Cursor(1, 1))

        now = redis.command("INFO", "stats")["total_connections_received"]  # type: ignore[index]
        await owner.write("二")
        assert text_of(await reached(tail, Cursor(1, 2))) == "一二"
    assert now - connections <= 2  # those that ask here


async def test_bells_may_have_been_missed_after_a_lost_connection(
    redis: RedisServer, open_log: Callable[[], RedisDeltaLog]
) -> None:
    log, conversation = open_log(), uuid4()
    log.listen(conversation, lambda _: None)
    await until(lambda: not log.missed())

    redis.restart()

    await until(lambda: log.missed() == (conversation,))
    await until(lambda: not log.missed())


async def test_bell_that_a_full_redis_refuses_is_rung_when_it_has_room(
    redis: RedisServer, open_log: Callable[[], RedisDeltaLog]
) -> None:
    ringing, hearing = open_log(), open_log()
    heard = asyncio.Event()
    hearing.hear(lambda _: heard.set())
    await until(lambda: not hearing.missed())
    redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis.command("CONFIG", "SET", "maxmemory", "1")

    ringing.ring(TurnsLeft())
    await until(lambda: not ringing.connected)
    redis.command("CONFIG", "SET", "maxmemory", "0")

    await asyncio.wait_for(heard.wait(), 5)


async def test_installations_on_one_redis_share_no_key(redis: RedisServer) -> None:
    logs = {prefix: RedisDeltaLog(redis.url, prefix=prefix) for prefix in ("one", "two")}
    owners = {prefix: Owner(log) for prefix, log in logs.items()}
    for prefix, log in logs.items():
        log.begin()
        await owners[prefix].write("一")
        log.ring(TurnsLeft())
        await log.close()

    assert {key.split(":")[0] for key in redis.keys("*")} == {"one", "two"}
    assert {key for key in redis.keys("one:*") if str(owners["two"].turn) in key} == set()


async def test_what_is_pending_goes_out_when_the_log_is_closed(redis: RedisServer) -> None:
    log = RedisDeltaLog(redis.url, prefix=PREFIX)
    owner = Owner(log)

    await owner.write("一", "二")
    await log.close()

    assert redis.command("XLEN", key_of(owner)) == 2


async def test_entry_of_another_version_ends_no_reader(
    redis: RedisServer, open_log: Callable[[], RedisDeltaLog]
) -> None:
    turn = uuid4()
    key = f"{PREFIX}:turn:{turn}"
    redis.command("XADD", key, "1-1", "e", '{"kind": "Sang"}')

    with open_log().follow(turn) as tail:
        await Owner(open_log(), turn, attempt=2).write("一")
        redis.command("DEL", key)
        redis.command("XADD", key, "2-1", "t", "一")

        assert text_of(await reached(tail, Cursor(2, 1))) == "一"
