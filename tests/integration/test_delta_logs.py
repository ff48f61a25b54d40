"""What every delta log promises, and what the one in Redis does when Redis fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import date
from uuid import UUID, uuid4

import pytest

from chat.delta_log.base import DeltaLog, LoggedEvent, Tail
from chat.delta_log.bells import Changed, StopWanted, TurnsLeft
from chat.delta_log.memory import MemoryDeltaLog
from chat.delta_log.redis import RedisDeltaLog
from chat.turn.cursor import START, Cursor
from chat.turn.events import (
    Block,
    Ended,
    Found,
    LogEvent,
    Notice,
    Outcome,
    Restarted,
    Searching,
    Source,
    Started,
    TextDelta,
    Usage,
)
from tests.faults.redis_server import RedisServer

LIMIT_SECONDS = 15
PREFIX = "tests"
SOURCE = Source(
    answer="7b0d3c52",
    version=3,
    title="为什么？",
    expert="示例",
    role="Sample",
    reviewed_at=date(2026, 5, 1),
    overdue=False,
    score=0.91,
    text="Because.",
    url=None,
)
OUTCOME = Outcome(
    status="failed",
    sources=(SOURCE,),
    suggestions=("And why?",),
    usage=Usage(input_tokens=5, output_tokens=7, estimated=True),
    error="upstream_reset",
    space="local",
)
EVENTS: tuple[LogEvent, ...] = (
    Started(),
    Searching(question="孩子撞头"),
    Found(hits=6),
    TextDelta(text="先护住头。🙂\n"),
    Block(start=0, end=8, html="<p>先护住头。</p>"),
    Notice(code="upstream_timeout", retry_ms=250),
    Restarted(keep=3, why="upstream"),
    Ended(outcome=OUTCOME, rev=7, length=3, sha256="abc"),
)


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> RedisServer:
    """Awake, running and empty."""
    redis_server.mend()
    redis_server.command("FLUSHALL")
    return redis_server


@pytest.fixture
async def open_log(redis: RedisServer) -> AsyncIterator[Callable[[], RedisDeltaLog]]:
    """Each call is another process's log."""
    async with AsyncExitStack() as stack:

        def opened() -> RedisDeltaLog:
            log = RedisDeltaLog(redis.url, prefix=PREFIX)
            log.begin()
            stack.push_async_callback(log.close)
            return log

        yield opened


@pytest.fixture(params=["memory", "redis", "redis, another process"])
async def logs(
    request: pytest.FixtureRequest, open_log: Callable[[], RedisDeltaLog]
) -> tuple[DeltaLog, DeltaLog]:
    """The owner's and a reader's."""
    match request.param:
        case "memory":
            log: DeltaLog = MemoryDeltaLog()
            return log, log
        case "redis":
            log = open_log()
            return log, log
    return open_log(), open_log()


class Owner:
    """Of one attempt of one turn."""

    def __init__(self, log: DeltaLog, turn: UUID | None = None, attempt: int = 1) -> None:
        self.turn = turn or uuid4()
        self.fenced = asyncio.Event()
        self._log = log
        self._attempt = attempt
        self._count = 0
        log.own(self.turn, attempt, self.fenced.set)

    async def say(self, *events: LogEvent) -> None:
        for event in events:
            self._count += 1
            cursor = Cursor(self._attempt, self._count)
            await self._log.append(self.turn, [LoggedEvent(cursor=cursor, event=event)])

    async def write(self, *texts: str) -> None:
        await self.say(*[TextDelta(text=text) for text in texts])


async def reached(tail: Tail, cursor: Cursor) -> list[LogEvent]:
    """All events, as soon as there is that of `cursor`."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while tail.last < cursor:
            await tail.news_for(tail.last)
    return [each.event for each in tail.after(START)]


def text_of(events: list[LogEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def until(fact: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not fact():
            await asyncio.sleep(0.01)


async def written(redis: RedisServer, owner: Owner, count: int) -> None:
    """Returns when the stream in Redis has so many entries."""
    await until(lambda: redis.command("XLEN", key_of(owner)) == count)


def key_of(owner: Owner) -> str:
    return f"{PREFIX}:turn:{owner.turn}"


async def test_reader_gets_every_event_as_it_was_written(logs: tuple[DeltaLog, DeltaLog]) -> None:
    owner = Owner(logs[0])
    with logs[1].follow(owner.turn) as tail:
        await owner.say(*EVENTS)

        assert await reached(tail, Cursor(1, 8)) == list(EVENTS)
        assert tail.ended


async def test_reader_who_comes_late_gets_what_was(logs: tuple[DeltaLog, DeltaLog]) -> None:
    owner = Owner(logs[0])
    await owner.write("一", "二")

    with logs[1].follow(owner.turn) as tail:
        assert text_of(await reached(tail, Cursor(1, 2))) == "一二"


async def test_turn_goes_on_with_another_owner(logs: tuple[DeltaLog, DeltaLog]) -> None:
    first = Owner(logs[0])
    with logs[1].follow(first.turn) as tail:
        await first.write("一", "二")
        await reached(tail, Cursor(1, 2))
        logs[0].release(first.turn)

        await Owner(logs[1], first.turn, attempt=2).write("three")

        assert text_of(await reached(tail, Cursor(2, 1))) == "一二three"


async def test_bells_are_heard_by_all(logs: tuple[DeltaLog, DeltaLog]) -> None:
    conversation, turn = uuid4(), uuid4()
    heard: list[object] = []
    for log in set(logs):
        log.listen(conversation, heard.append)
        log.listen(uuid4(), lambda _: pytest.fail("another's bell"))
        log.hear(heard.append)
    await until(lambda: all(log.connected for log in logs))
    await _heard_by_reader(logs)

    logs[0].ring(Changed(conversation=conversation, rev=7))
    logs[0].ring(StopWanted(turn=turn))
    logs[0].ring(TurnsLeft())

    wanted = [7, StopWanted(turn=turn), TurnsLeft()]
    await until(lambda: all(heard.count(each) >= len(set(logs)) for each in wanted))


async def _heard_by_reader(logs: tuple[DeltaLog, DeltaLog]) -> None:
    """A log that has just begun does not hear what was rung before."""
    conversation = uuid4()
    heard: list[int] = []
    stop = logs[1].listen(conversation, heard.append)
    async with asyncio.timeout(LIMIT_SECONDS):
        while not heard:
            logs[0].ring(Changed(conversation=conversation, rev=1))
            await asyncio.sleep(0.05)
    stop()


async def test_listener_who_left_hears_nothing(logs: tuple[DeltaLog, DeltaLog]) -> None:
    conversation = uuid4()
    heard: list[int] = []
    stop = logs[1].listen(conversation, heard.append)

    stop()
    stop()
    logs[1].hear_again(Changed(conversation=conversation, rev=7))

    assert heard == []


async def test_silent_turn_of_another_owner_is_told_of(logs: tuple[DeltaLog, DeltaLog]) -> None:
    own, other = Owner(logs[1]), uuid4()

    with logs[1].follow(own.turn), logs[1].follow(other) as tail:
        assert logs[1].silent(0) == {other: tail}
        assert logs[1].silent(60) == {}


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
