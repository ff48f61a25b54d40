"""What every delta log promises, in memory and in Redis."""

import asyncio
from datetime import date
from uuid import uuid4

import pytest

from chat.delta_log.base import DeltaLog
from chat.delta_log.bells import Changed, StopWanted, TurnsLeft
from chat.turn.cursor import Cursor
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
from tests.integration.log_owner import LIMIT_SECONDS, Owner, reached, text_of, until

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

    changed = Changed(conversation=conversation, rev=7)
    deleted = Changed(conversation=conversation, rev=8, deleted=True)

    logs[0].ring(changed)
    logs[0].ring(deleted)
    logs[0].ring(StopWanted(turn=turn))
    logs[0].ring(TurnsLeft())

    wanted = [changed, deleted, StopWanted(turn=turn), TurnsLeft()]
    await until(lambda: all(heard.count(each) >= len(set(logs)) for each in wanted))


async def _heard_by_reader(logs: tuple[DeltaLog, DeltaLog]) -> None:
    """A log that has just begun does not hear what was rung before."""
    conversation = uuid4()
    heard: list[Changed] = []
    stop = logs[1].listen(conversation, heard.append)
    async with asyncio.timeout(LIMIT_SECONDS):
        while not heard:
            logs[0].ring(Changed(conversation=conversation, rev=1))
            await asyncio.sleep(0.05)
    stop()


async def test_listener_who_left_hears_nothing(logs: tuple[DeltaLog, DeltaLog]) -> None:
    conversation = uuid4()
    heard: list[Changed] = []
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
