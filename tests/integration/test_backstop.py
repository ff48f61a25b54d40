"""What Postgres tells of turns that are written elsewhere while their log is away."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress

import pytest

from chat import backstop as backstop_module
from chat import turns
from chat.backstop import Backstop
from chat.database import in_database
from chat.delta_log.base import Tail
from chat.delta_log.memory import MemoryDeltaLog
from chat.turn.cursor import Cursor
from chat.turns import Claim, Progress
from tests.integration.log_owner import until
from tests.integration.turn_rows import DONE, LEASE_SECONDS, THIS_PROCESS, asked, claimed

pytestmark = pytest.mark.django_db(transaction=True)


class Elsewhere:
    """Turns of another process, whose readers are here."""

    def __init__(self) -> None:
        self.log = MemoryDeltaLog()
        self.followed = ExitStack()

    async def begun(self, text: str = "Becau") -> tuple[Claim, Tail]:
        accepted = await in_database(asked)
        claim = await in_database(claimed, accepted.turn)
        await self.write(claim, text, events=5)
        return claim, self.followed.enter_context(self.log.follow(claim.turn))

    async def write(self, claim: Claim, text: str, *, events: int) -> None:
        progress = Progress(attempt=claim.attempt, events=events, text=text, rendered=0)
        written = {claim.turn: progress}
        await in_database(turns.keep, written, owner=THIS_PROCESS, lease_seconds=LEASE_SECONDS)

    async def end(self, claim: Claim) -> None:
        await in_database(turns.end, claim, DONE, "Because.", last_event=9)


@pytest.fixture
def elsewhere(database_thread: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    monkeypatch.setattr(backstop_module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(backstop_module, "SILENT_SECONDS", 0)
    elsewhere = Elsewhere()
    with elsewhere.followed:
        yield elsewhere


@pytest.fixture
async def looking(elsewhere: Elsewhere) -> AsyncIterator[asyncio.Event]:
    """A backstop that looks once the event is set."""
    begins = asyncio.Event()

    async def look() -> None:
        await begins.wait()
        await Backstop(elsewhere.log).run()

    task = asyncio.create_task(look())
    yield begins
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_readers_are_told_what_postgres_has_of_a_running_turn(
    elsewhere: Elsewhere, looking: asyncio.Event
) -> None:
    _, tail = await elsewhere.begun("Becau")

    looking.set()

    await until(lambda: tail.checkpoint)
    assert tail.checkpoint is not None
    assert (tail.checkpoint.cursor, tail.checkpoint.text) == (Cursor(1, 5), "Becau")


async def test_end_is_told_before_any_text_is_rendered(
    elsewhere: Elsewhere, looking: asyncio.Event
) -> None:
    running = [(await elsewhere.begun())[1] for _ in range(3)]
    claim, ended = await elsewhere.begun()
    await elsewhere.end(claim)

    async def rendered_before_the_end() -> int:
        await ended.news_for(Cursor(9, 9))
        return sum(tail.checkpoint is not None for tail in running)

    counting = asyncio.create_task(rendered_before_the_end())
    looking.set()

    assert await asyncio.wait_for(counting, LEASE_SECONDS) == 0


async def test_text_that_has_not_changed_is_not_rendered_again(
    elsewhere: Elsewhere, looking: asyncio.Event
) -> None:
    _, resting = await elsewhere.begun()
    claim, growing = await elsewhere.begun()
    looking.set()
    await until(lambda: resting.checkpoint and growing.checkpoint)
    first = resting.checkpoint

    await elsewhere.write(claim, "Because.", events=7)
    await until(lambda: growing.checkpoint and growing.checkpoint.text == "Because.")

    assert resting.checkpoint is first
