"""Brings a schedule to its end: everybody comes back, every story is told to its end."""

import asyncio
import time

from tests.faults.schedule_judge import Truth, violations
from tests.faults.schedule_tab import ScheduledTab
from tests.faults.schedule_world import World
from tests.openai_server import Received

SETTLE_SECONDS = 30
"""For a busy machine; what is wrong stays wrong."""


class ScheduleError(AssertionError):
    """What must hold did not; the schedule and what was wrong follow."""


async def bring_to_an_end(world: World) -> None:
    """Raises ScheduleError."""
    try:
        for ask in world.asks:
            ask.faucet.finish()
        await asyncio.gather(*(bring_back(world, *each) for each in enumerate(world.tabs)))
        await settled(world)
        await asyncio.gather(*(tab.obeyed() for tab in world.tabs))
        truth = await settled(world)
        wrongs = list(violations(world, truth))
    finally:
        await asyncio.gather(*(tab.go(cleanly=False) for tab in world.tabs))
        world.stack.close()
    if wrongs:
        raise ScheduleError("\n".join(["", *world.told, "", *wrongs]))


async def bring_back(world: World, number: int, tab: ScheduledTab) -> None:
    if tab.away or tab.cut_off or not tab.connected:
        await world.come(tab, number % len(world.stage.servers))


async def settled(world: World) -> Truth:
    """What is stored once nothing changes any more, or when the time is over."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        truth = Truth.of(world)
        if at_rest(world, truth) or time.monotonic() > deadline:
            return truth
        await asyncio.sleep(0.01)


def at_rest(world: World, truth: Truth) -> bool:
    if not truth.settled or not all(call_is_over(call) for call in world.calls()):
        return False
    for tab in world.tabs:
        if tab.unaccepted:
            return False
        for conversation in tab.conversations:
            if tab.revision(conversation) != truth.revisions.get(conversation):
                return False
    return True


def call_is_over(call: Received) -> bool:
    return call.answered.is_open() or call.disconnected.is_open()
