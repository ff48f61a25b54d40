"""Keeps the leases of the process's turns, hears of stops, and takes up turns nobody holds."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from uuid import UUID

from django.db import DatabaseError

from chat import turns
from chat.database import in_database
from chat.metrics import TURNS_RUNNING
from chat.running_turn import RunningTurn

logger = logging.getLogger(__name__)

BEATS_PER_LEASE = 5
NUDGE_SECONDS = 0.2
"""Those who hear at once of turns left behind do not all ask at once."""


class Caretaker:
    """`start` is told of turns to take up, unless `idle()`."""

    def __init__(
        self,
        running: Mapping[UUID, RunningTurn],
        start: Callable[[UUID], None],
        *,
        owner: UUID,
        lease_seconds: int,
        idle: Callable[[], bool],
    ) -> None:
        self._running = running
        self._start = start
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._idle = idle
        self._nudged = asyncio.Event()
        self._beating_since = time.monotonic() - lease_seconds
        self._beat_at = time.monotonic()

    def nudge(self) -> None:
        """Look for orphans now."""
        self._nudged.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._nudged.clear()
            try:
                await self._look_after()
            except DatabaseError as error:
                self._beating_since = time.monotonic()
                logger.warning("beat failed: %s", type(error).__name__)
            await self._pause()

    async def _look_after(self) -> None:
        await self._beat()
        if self._idle():
            return
        orphans = await in_database(turns.orphans)  # always: who does not ask notices no outage
        if not self._well_for_a_lease():
            return
        for turn in orphans:
            self._start(turn)
        if len(orphans) == turns.ADOPT_AT_ONCE:
            self.nudge()

    async def _pause(self) -> None:
        beat = self._lease_seconds / BEATS_PER_LEASE
        with suppress(TimeoutError):
            async with asyncio.timeout(random.uniform(0.8, 1) * beat):  # noqa: S311  (no secret)
                await self._nudged.wait()
                await asyncio.sleep(random.uniform(0, NUDGE_SECONDS))  # noqa: S311  (as above)

    def _well_for_a_lease(self) -> bool:
        """After an outage of the database everybody's leases look expired; nobody has died. So it
        is after this process was frozen."""
        now = time.monotonic()
        if now - self._beat_at > self._lease_seconds:
            self._beating_since = now
        self._beat_at = now
        return now - self._beating_since >= self._lease_seconds

    async def _beat(self) -> None:
        running = dict(self._running)
        TURNS_RUNNING.set(len(running))
        if not running:
            return
        kept = await in_database(
            turns.keep,
            {turn: each.progress for turn, each in running.items()},
            owner=self._owner,
            lease_seconds=self._lease_seconds,
        )
        for turn, each in running.items():
            if turn not in kept:
                each.lose()
            elif kept[turn]:
                each.stop()
