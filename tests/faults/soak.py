"""People chat while everything around them fails at random. A seed repeats the schedule."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from tests.chat_client import new_id
from tests.faults.cluster import LEASE_SECONDS, Cluster
from tests.faults.observer import SETTLE_SECONDS, assert_standing
from tests.faults.tab import Tab
from tests.openai_script import Drop, Malformed, Truncate

VISITORS = 4
TABS = 2
"""Of each visitor, all in the same conversation."""
PATIENCE_SECONDS = 90
STOPS = 0.15
DROPS = 0.3

Fault = Callable[[], Awaitable[object]]


class Soak:
    """`faults` counts what was done, `turns` what was asked."""

    def __init__(self, cluster: Cluster, *, seed: int) -> None:
        self._cluster = cluster
        self._dice = random.Random(seed)  # noqa: S311  (no secret)
        self.history: list[str] = []
        self.turns = 0

    async def run(self, seconds: float) -> None:
        """Raises StandingError."""
        deadline = time.monotonic() + seconds
        async with AsyncExitStack() as stack:
            talks = [await self._visitor(stack) for _ in range(VISITORS)]
            chatting = [
                asyncio.create_task(self._chat(tabs, random.Random(number), deadline))  # noqa: S311
                for number, tabs in enumerate(talks)
            ]
            while time.monotonic() < deadline:
                await self._fail()
            await asyncio.to_thread(self._cluster.mend)
            await asyncio.wait(chatting, timeout=PATIENCE_SECONDS)
            tabs = [tab for talk in talks for tab in talk]
            await assert_standing(self._cluster, *tabs, seconds=SETTLE_SECONDS + LEASE_SECONDS)
            await asyncio.gather(*chatting)

    async def _visitor(self, stack: AsyncExitStack) -> list[Tab]:
        visitor = await self._cluster.visitor()
        return [await stack.enter_async_context(self._cluster.tab(visitor)) for _ in range(TABS)]

    async def _chat(self, tabs: Sequence[Tab], dice: random.Random, deadline: float) -> None:
        """Any of the tabs asks; the others follow. Some are impatient, some lose the network."""
        talk = new_id()
        while time.monotonic() < deadline:
            tab = dice.choice(tabs)
            self.turns += 1
            id_ = await tab.ask_soon(f"Tale {self.turns} of {talk[:4]}", talk)
            turn = await self._accepted(tab, id_)
            await self._follow(tabs, talk)
            await asyncio.sleep(dice.uniform(0, 0.8))
            if dice.random() < DROPS:
                await dice.choice(tabs).drop()
            if dice.random() < STOPS:
                await dice.choice(tabs).stop_soon(turn)
            await self._finished(tab, turn)

    async def _accepted(self, tab: Tab, id_: str) -> str:
        """The turn of a message. One at a time asks, so that none is busy."""
        (accepted, *_) = await tab.until(lambda: tab.all_of("accepted", id=id_), PATIENCE_SECONDS)
        return str(accepted["turn"])

    async def _finished(self, tab: Tab, turn: str) -> None:
        await tab.until(lambda: tab.finished(turn), PATIENCE_SECONDS)

    async def _follow(self, tabs: Sequence[Tab], talk: str) -> None:
        for tab in tabs:
            if talk not in tab.conversations:
                await tab.subscribe_soon(talk)

    async def _fail(self) -> None:
        """One fault after the other, so that something always works."""
        fault = self._dice.choice(
            [self._kill, self._freeze, self._roll, self._redis, self._postgres, self._provider]
        )
        await fault()
        await asyncio.sleep(self._dice.uniform(0.2, 1.5))

    async def _kill(self) -> None:
        index = self._any_process("kill")
        await asyncio.to_thread(self._cluster.servers[index].kill)
        await asyncio.sleep(self._dice.uniform(0, 2))
        await asyncio.to_thread(self._cluster.restart, index)

    async def _freeze(self) -> None:
        index = self._any_process("freeze")
        self._cluster.servers[index].freeze()
        await asyncio.sleep(self._dice.uniform(0.5, 2.5 * LEASE_SECONDS))
        self._cluster.servers[index].thaw()

    async def _roll(self) -> None:
        server = self._cluster.servers[self._any_process("terminate")]
        server.terminate()
        await asyncio.to_thread(server.wait)
        await asyncio.to_thread(server.start)

    async def _redis(self) -> None:
        redis = self._cluster.redis
        if redis is None:
            return
        match self._note(self._dice.choice(["empty redis", "kill redis", "freeze redis", "cut"])):
            case "empty redis":
                redis.command("FLUSHALL")
            case "kill redis":
                redis.kill()
                await asyncio.sleep(self._dice.uniform(0, 2))
                redis.start()
            case "freeze redis":
                redis.freeze()
                await asyncio.sleep(self._dice.uniform(0.5, 4))
                redis.thaw()
            case "cut":
                self._cluster.to_redis.cut()

    async def _postgres(self) -> None:
        match self._note(self._dice.choice(["restart postgres", "stop postgres", "cut postgres"])):
            case "restart postgres":
                await asyncio.to_thread(self._cluster.postgres.restart_at_once)
            case "stop postgres":
                await asyncio.to_thread(self._cluster.postgres.stop)
                await asyncio.sleep(self._dice.uniform(0, 2))
                await asyncio.to_thread(self._cluster.postgres.start)
            case "cut postgres":
                self._cluster.to_postgres.cut()

    async def _provider(self) -> None:
        pieces = self._dice.randint(1, 8)
        step = self._dice.choice([Drop, Truncate, Malformed])
        self._note(f"provider: {step.__name__} after {pieces}")
        self._cluster.provider.script(step(after_pieces=pieces))

    def _any_process(self, what: str) -> int:
        index = self._dice.randrange(len(self._cluster.servers))
        self._note(f"{what} process {index}")
        return index

    def _note(self, fault: str) -> str:
        self.history.append(fault)
        return fault
