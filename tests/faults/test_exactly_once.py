"""Any order of drops, reconnects, duplicates, edits and stops, on two processes: exactly once.

SCHEDULES=5000 tries so many random ones, and SEED=n tries the same again.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeVar, cast

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.chat_client import Visitor
from tests.faults import schedule_acts as acts
from tests.faults.postgres_server import PostgresServer
from tests.faults.redis_server import RedisServer
from tests.faults.schedule_end import bring_to_an_end
from tests.faults.schedule_provider import PIECES, FaucetServer
from tests.faults.schedule_tab import ScheduledTab
from tests.faults.schedule_world import NAMES, Ask, Name, Stage, World
from tests.openai_server import in_thread
from tests.serving import ChatServer

SCHEDULES = 200
WORKERS = 2
"""Each waits for the servers most of the time."""
STEPS = 20
SHRINKING_SECONDS = 45
MOST_TABS = 5
SETTINGS = {
    "TURN_LEASE_SECONDS": "60",  # nobody dies here, however slow the machine is
    "PING_SECONDS": "20",
    "SENDS_PER_MINUTE": "100000",
    "SENDS_PER_MINUTE_PER_IP": "100000",
    "SOCKET_FRAMES_PER_SECOND": "1000",
    "SOCKET_FRAMES_AT_ONCE": "1000",
}
T = TypeVar("T")

processes = st.integers(0, 1)
patient = st.booleans()
bytes_until_cut = st.integers(200, 4000)

asked = precondition(lambda schedule: schedule.world.asks)


class Schedule(RuleBasedStateMachine):
    """Its rules never depend on what the servers answered, so that a schedule can be repeated."""

    tabs: Bundle[ScheduledTab] = Bundle("tabs")
    asks: Bundle[Ask] = Bundle("asks")

    def __init__(self, stage: Stage, runner: asyncio.Runner) -> None:
        super().__init__()
        self._runner = runner
        self.world = World(stage, calls_before=len(stage.provider.requests))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def teardown(self) -> None:
        self.do(bring_to_an_end(self.world))

    @initialize(target=tabs, process=processes)
    def first_tabs(self, process: int) -> Any:
        """The second one at the other process."""
        indices = (process, 1 - process)
        return multiple(*(self.do(self.world.open("alice", each)) for each in indices))

    @rule(target=tabs, owner=st.sampled_from(NAMES), process=processes)
    @asked
    def open(self, owner: Name, process: int) -> Any:
        if len(self.world.tabs) >= MOST_TABS:
            return multiple()
        return self.do(self.world.open(owner, process))

    @rule(tab=tabs, process=processes)
    @asked
    def come(self, tab: ScheduledTab, process: int) -> None:
        self.do(self.world.come(tab, process))

    @rule(tab=tabs, process=processes, after_bytes=bytes_until_cut)
    @asked
    def come_until_cut(self, tab: ScheduledTab, process: int, after_bytes: int) -> None:
        self.do(self.world.come_until_cut(tab, process, after_bytes))

    @rule(tab=tabs, cleanly=st.booleans())
    @asked
    def go(self, tab: ScheduledTab, *, cleanly: bool) -> None:
        self.do(self.world.go(tab, cleanly=cleanly))

    @rule(target=asks, tab=tabs, patient=patient)
    def ask(self, tab: ScheduledTab, *, patient: bool) -> Ask:
        return self.do(self.world.ask(tab, None, patient=patient))

    @rule(target=asks, tab=tabs, after=asks, patient=patient)
    def ask_on(self, tab: ScheduledTab, after: Ask, *, patient: bool) -> Ask:
        return self.do(self.world.ask(tab, after, patient=patient))

    @rule(tab=tabs, ask=asks, patient=patient)
    def edit(self, tab: ScheduledTab, ask: Ask, *, patient: bool) -> None:
        self.do(self.world.edit(tab, ask, patient=patient))

    @rule(tab=tabs, ask=asks, patient=patient)
    def regenerate(self, tab: ScheduledTab, ask: Ask, *, patient: bool) -> None:
        self.do(self.world.regenerate(tab, ask, patient=patient))

    @rule(tab=tabs, ask=asks, patient=patient)
    def repeat(self, tab: ScheduledTab, ask: Ask, *, patient: bool) -> None:
        self.do(self.world.repeat(tab, ask, patient=patient))

    @rule(tab=tabs, ask=asks)
    def contradict(self, tab: ScheduledTab, ask: Ask) -> None:
        self.do(acts.contradict(self.world, tab, ask))

    @rule(tab=tabs, ask=asks, how=st.sampled_from(acts.MEDDLINGS))
    def meddle(self, tab: ScheduledTab, ask: Ask, how: acts.Meddling) -> None:
        self.do(acts.meddle(self.world, tab, ask, how))

    @rule(tab=tabs, ask=asks, place=st.sampled_from(acts.PLACES))
    def follow(self, tab: ScheduledTab, ask: Ask, place: acts.Place) -> None:
        self.do(acts.follow(self.world, tab, ask, place))

    @rule(tab=tabs, ask=asks)
    def unfollow(self, tab: ScheduledTab, ask: Ask) -> None:
        self.do(acts.unfollow(self.world, tab, ask))

    @rule(tab=tabs, ask=asks, by=st.sampled_from(acts.BYS), patient=patient)
    def stop(self, tab: ScheduledTab, ask: Ask, by: acts.By, *, patient: bool) -> None:
        self.do(acts.stop(self.world, tab, ask, by, patient=patient))

    @rule(ask=asks, pieces=st.integers(1, PIECES))
    def pour(self, ask: Ask, pieces: int) -> None:
        acts.pour(self.world, ask, pieces)

    @rule(ask=asks)
    def finish(self, ask: Ask) -> None:
        acts.finish(self.world, ask)

    @rule(ask=asks)
    def all_follow(self, ask: Ask) -> None:
        self.do(acts.all_follow(self.world, ask))

    @rule(ask=asks)
    def wait_until_told(self, ask: Ask) -> None:
        self.do(acts.wait_until_told(self.world, ask))


@pytest.fixture
def stage(postgres: PostgresServer, redis: RedisServer) -> Iterator[Stage]:
    """Without proxies before Postgres and Redis, which do not fail here: they cost time."""
    provider = FaucetServer()
    with in_thread(provider), postgres.database() as database, ExitStack() as stack:
        variables = SETTINGS | {
            "DATABASE_URL": postgres.url(database),
            "REDIS_URL": redis.url,
            "REDIS_PREFIX": database,
            "OPENAI_BASE_URL": provider.base_url,
        }
        servers = [stack.enter_context(ChatServer(settings=variables)) for _ in range(2)]
        connection = stack.enter_context(postgres.connection(database))
        with asyncio.Runner() as runner:
            visitors = {name: runner.run(Visitor.arrive(servers[0])) for name in NAMES}
        yield Stage(servers=servers, provider=provider, visitors=visitors, connection=connection)
        assert [server.complaints for server in servers] == [[], []]


def test_every_schedule_shows_each_reply_exactly_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrinking = "hypothesis.internal.conjecture.engine.MAX_SHRINKING_SECONDS"
    monkeypatch.setattr(shrinking, SHRINKING_SECONDS)
    first = first_seed()

    with ThreadPoolExecutor(WORKERS) as threads:
        for tried in [threads.submit(try_schedules, stage, first + n) for n in range(WORKERS)]:
            tried.result()


def first_seed() -> int:
    """The same each time, unless the environment says how many schedules it wants."""
    chosen = secrets.randbits(32) if "SCHEDULES" in os.environ else 0
    number = int(os.environ.get("SEED") or chosen)
    sys.stdout.write(f"SEED={number}\n")
    return number


def try_schedules(stage: Stage, number: int) -> None:
    """A worker's share of them. Raises ScheduleError."""
    with asyncio.Runner() as runner:
        make = seed(number)(lambda: Schedule(stage, runner))
        machine = cast(type[RuleBasedStateMachine], make)  # it is called, and no more
        run_state_machine_as_test(machine, settings=HOW)


HOW = settings(
    max_examples=int(os.environ.get("SCHEDULES") or SCHEDULES) // WORKERS,
    stateful_step_count=STEPS,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
    print_blob=False,
)
