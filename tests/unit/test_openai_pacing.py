"""Reading a turn at its pace, and giving every key its room."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from chat.openai_api.pacing import Mark, paced
from chat.openai_api.refusals import RefusalError
from chat.openai_api.slots import Slot, Slots

NEVER = 60.0


async def counting(*numbers: int) -> AsyncGenerator[int, None]:
    for number in numbers:
        yield number


async def test_events_come_in_their_order() -> None:
    async with aclosing(paced(counting(1, 2, 3), NEVER)) as events:
        assert [event async for event in events] == [1, 2, 3]


async def test_silence_is_told_until_something_comes() -> None:
    goes_on = asyncio.Event()

    async def slow() -> AsyncGenerator[int, None]:
        yield 1
        await goes_on.wait()
        yield 2

    async with aclosing(paced(slow(), 0.01)) as events:
        before = [await anext(events) for _ in range(3)]
        goes_on.set()
        after = [event async for event in events if event is not Mark.SILENCE]

    assert (before, after) == ([1, Mark.SILENCE, Mark.SILENCE], [2])


async def test_generator_may_have_timeouts_of_its_own() -> None:
    async def careful() -> AsyncGenerator[int, None]:
        async with asyncio.timeout(NEVER):
            yield 1
            await asyncio.sleep(0)
            yield 2

    async with aclosing(paced(careful(), NEVER)) as events:
        assert [event async for event in events] == [1, 2]


async def test_failure_comes_after_what_came_before_it() -> None:
    async def failing() -> AsyncGenerator[int, None]:
        yield 1
        raise ConnectionError

    async with aclosing(paced(failing(), NEVER)) as events:
        first = await anext(events)
        with pytest.raises(ConnectionError):
            await anext(events)

    assert first == 1


async def test_reader_who_leaves_closes_the_generator() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with aclosing(paced(endless(), NEVER)) as events:
        await anext(events)

    assert closed.is_set()


async def test_reader_who_leaves_before_the_first_event_closes_the_generator() -> None:
    begun, closed = asyncio.Event(), asyncio.Event()

    async def silent() -> AsyncGenerator[int, None]:
        begun.set()
        try:
            await asyncio.Event().wait()
            yield 1
        finally:
            closed.set()

    events = paced(silent(), NEVER)
    reading = asyncio.create_task(anext(events))
    await begun.wait()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)

    assert closed.is_set()


def test_key_has_as_much_room_as_it_may_and_each_its_own() -> None:
    slots = Slots(2)
    held = [slots.take(1), slots.take(1), slots.take(2)]

    with pytest.raises(RefusalError) as caught:
        slots.take(1)

    assert (caught.value.status, len(held)) == (429, 3)
    assert caught.value.retry_seconds


def test_released_slot_is_free_and_once_is_enough() -> None:
    slots = Slots(1)
    slot = slots.take(1)
    slot.release()
    slot.release()

    assert isinstance(slots.take(1), Slot)


def test_slot_of_a_reply_that_never_began_is_free() -> None:
    slots = Slots(1)

    async def reply(_slot: Slot) -> AsyncGenerator[int, None]:
        yield 1

    never_begun = reply(slots.take(1))
    del never_begun

    assert isinstance(slots.take(1), Slot)
