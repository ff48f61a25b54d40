"""The process's turns: who starts them, and what becomes of them at the end."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from chat.delta_log.memory import MemoryDeltaLog
from chat.generation import Generation
from tests.experts import NOTHING, ScriptedSearch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def generation(database_thread: None) -> AsyncIterator[Generation]:
    generation = Generation(MemoryDeltaLog(), ScriptedSearch(NOTHING), None, lease_seconds=15)
    yield generation
    await generation.drain(0)
    await generation.close()


def tasks_of(turn: UUID) -> int:
    return sum(task.get_name() == f"turn {turn}" for task in asyncio.all_tasks())


async def test_turn_that_two_start_at_once_is_claimed_once(generation: Generation) -> None:
    turn = uuid4()

    generation.start(turn)
    generation.start(turn)

    assert tasks_of(turn) == 1


async def test_turn_that_was_not_had_may_be_started_again(generation: Generation) -> None:
    turn = uuid4()
    generation.start(turn)
    async with asyncio.timeout(10):
        while tasks_of(turn):
            await asyncio.sleep(0.01)

    generation.start(turn)

    assert tasks_of(turn) == 1


async def test_nothing_is_begun_after_a_drain(generation: Generation) -> None:
    await generation.drain(0)

    generation.begin()

    assert not {"turn caretaker", "backstop"} & {task.get_name() for task in asyncio.all_tasks()}


async def test_what_was_begun_is_done_though_nobody_waits_for_it(generation: Generation) -> None:
    gate, done = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await gate.wait()
        done.set()

    asking = asyncio.create_task(generation.undisturbed(work()))
    await asyncio.sleep(0)
    asking.cancel()
    gate.set()

    await asyncio.wait_for(done.wait(), 5)
