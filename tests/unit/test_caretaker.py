"""Turns that nobody holds are taken up, and those that only look like it are not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.db import OperationalError

from chat import caretaker as caretaker_module
from chat.caretaker import Caretaker

LEASE_SECONDS = 1
LIMIT_SECONDS = 5
ORPHAN = UUID(int=1)


class Postgres:
    """Has an orphan for whoever asks, unless it is away."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0

    async def run(self, _function: Callable[..., object]) -> list[UUID]:
        self.asked += 1
        if self.away:
            raise OperationalError
        return [ORPHAN]


class Watched:
    """A caretaker without turns of its own, at times that the test sets."""

    def __init__(self) -> None:
        self.postgres = Postgres()
        self.taken_up: list[UUID] = []
        self.now = 1_000.0
        self.task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        caretaker = Caretaker(
            {},
            self.taken_up.append,
            owner=UUID(int=11),
            lease_seconds=LEASE_SECONDS,
            idle=lambda: False,
        )
        self.task = asyncio.create_task(caretaker.run())

    async def looks(self, *, after_seconds: float = 0.0) -> None:
        """Its next look at the turns."""
        self.now += after_seconds
        asked = self.postgres.asked
        async with asyncio.timeout(LIMIT_SECONDS):
            while self.postgres.asked == asked:
                await asyncio.sleep(0.01)


@pytest.fixture
async def watched(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    watched = Watched()
    monkeypatch.setattr(caretaker_module, "in_database", watched.postgres.run)
    monkeypatch.setattr(caretaker_module, "time", SimpleNamespace(monotonic=lambda: watched.now))
    yield watched
    if watched.task:
        watched.task.cancel()
        with suppress(asyncio.CancelledError):
            await watched.task


async def test_orphan_is_taken_up_at_once(watched: Watched) -> None:
    watched.begin()

    await watched.looks()

    assert watched.taken_up == [ORPHAN]


async def test_nothing_is_taken_up_until_postgres_has_been_back_for_a_lease(
    watched: Watched,
) -> None:
    watched.postgres.away = True
    watched.begin()
    await watched.looks()
    await watched.looks(after_seconds=0.9 * LEASE_SECONDS)

    watched.postgres.away = False
    await watched.looks(after_seconds=0.9 * LEASE_SECONDS)

    assert watched.taken_up == []


async def test_orphan_is_taken_up_once_postgres_has_been_back_for_a_lease(
    watched: Watched,
) -> None:
    watched.postgres.away = True
    watched.begin()
    await watched.looks()

    watched.postgres.away = False
    await watched.looks(after_seconds=0.5 * LEASE_SECONDS)
    await watched.looks(after_seconds=0.5 * LEASE_SECONDS)

    assert ORPHAN in watched.taken_up


async def test_process_that_was_frozen_takes_nothing_up_when_it_wakes(watched: Watched) -> None:
    watched.begin()
    await watched.looks()
    watched.taken_up.clear()

    await watched.looks(after_seconds=2 * LEASE_SECONDS)

    assert watched.taken_up == []
