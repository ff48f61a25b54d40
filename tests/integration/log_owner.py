"""The owner of a turn in a delta log, and what its readers wait for."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

from chat.delta_log.base import DeltaLog, LoggedEvent, Tail
from chat.turn.cursor import START, Cursor
from chat.turn.events import LogEvent, TextDelta
from tests.faults.redis_server import RedisServer

LIMIT_SECONDS = 15
PREFIX = "tests"


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
