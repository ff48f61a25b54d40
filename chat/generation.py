"""Runs turns in tasks of the process. Nobody has to be watching; a closed socket stops nothing."""

import asyncio
import logging
import uuid
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

from django.db import DatabaseError

from chat import turns
from chat.background import end, kept_running, tell_of_failure
from chat.backstop import Backstop
from chat.caretaker import Caretaker
from chat.database import in_database
from chat.delta_log.base import DeltaLog
from chat.delta_log.bells import StopWanted, TurnsLeft
from chat.late_answers import LateAnswers
from chat.remover import remove_now_and_then
from chat.running_turn import RunningTurn
from chat.turn.expert_search import ExpertSearch
from chat.turn.language_model import LanguageModel
from chat.turns import Claim

logger = logging.getLogger(__name__)

HAND_OVER_SECONDS = 5.0
T = TypeVar("T")


class Generation:
    """Owns the process's turns: starts them, stops them, hands them over."""

    def __init__(
        self,
        log: DeltaLog,
        search: ExpertSearch,
        model: LanguageModel | None,
        *,
        lease_seconds: int,
    ) -> None:
        self.log = log
        self._search = search
        self._model = model
        self._lease_seconds = lease_seconds
        self._owner = uuid.uuid4()
        self._running: dict[UUID, RunningTurn] = {}
        self._begun: set[UUID] = set()
        """Turns that have a task, running or not yet."""
        self._claims: set[asyncio.Future[Claim | None]] = set()
        self._stopped_early: set[UUID] = set()
        self._work: set[asyncio.Task[Any]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self._caretaker = Caretaker(
            self._running,
            self.start,
            owner=self._owner,
            lease_seconds=lease_seconds,
            idle=lambda: self.draining,
        )
        self._late_answers = LateAnswers(log, search)
        self.draining = False
        log.hear(self._hear)

    @property
    def expert_only(self) -> bool:
        return self._model is None

    def begin(self) -> None:
        """Start keeping leases, taking up orphans, making up for what the log loses, removing what
        was deleted and telling late answers; from the process's event loop, as often as one likes.
        """
        if self._keepers or self.draining:
            return
        self.log.begin()
        self._keepers = [
            asyncio.create_task(kept_running(self._caretaker.run), name="turn caretaker"),
            asyncio.create_task(kept_running(Backstop(self.log).run), name="backstop"),
            asyncio.create_task(kept_running(remove_now_and_then), name="remover"),
            asyncio.create_task(kept_running(self._late_answers.run), name="late answers"),
        ]

    def start(self, turn: UUID) -> None:
        """Run a turn in a task of its own, unless it runs here or another process is faster."""
        if turn in self._begun:
            return
        self._begun.add(turn)
        task = asyncio.create_task(self._run(turn), name=f"turn {turn}")
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    async def undisturbed(self, work: Coroutine[None, None, T]) -> T:
        """Do this to its end, whatever becomes of who asked for it."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._forget_work)
        return await asyncio.shield(task)

    def stop(self, turn: UUID) -> None:
        """Stop a turn, wherever it runs. Its row says so already, in case that nobody hears."""
        self.log.ring(StopWanted(turn=turn))

    async def drain(self, seconds: float) -> None:
        """Take up nothing new, let running turns finish, and hand over those that do not."""
        self.draining = True
        if self._work:  # or what it begins would be left behind
            await asyncio.wait(self._work, timeout=HAND_OVER_SECONDS)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        if self._claims:  # or a claim would be stored after the turns were handed over
            await asyncio.wait(self._claims, timeout=HAND_OVER_SECONDS)
        await end(self._tasks)
        await self._hand_over()

    async def close(self) -> None:
        """After the drain, when nobody here follows a turn any more."""
        await end(self._keepers)
        await self.log.close()

    def _hear(self, bell: StopWanted | TurnsLeft) -> None:
        match bell:
            case StopWanted() if running := self._running.get(bell.turn):
                running.stop()
            case StopWanted() if bell.turn in self._begun:
                self._stopped_early.add(bell.turn)
            case TurnsLeft():
                self._caretaker.nudge()

    async def _hand_over(self) -> None:
        """Let go of turns. Where Postgres is away their leases run out by themselves."""
        try:
            async with asyncio.timeout(HAND_OVER_SECONDS):
                left = await in_database(turns.hand_over, owner=self._owner)
        except (DatabaseError, TimeoutError) as error:
            logger.warning("turns not handed over: %s", type(error).__name__)
        else:
            if left:
                self.log.ring(TurnsLeft())

    async def _run(self, turn: UUID) -> None:
        """Claim and answer the turn. What Postgres refuses now is an orphan for the caretaker."""
        try:
            claim = await self._claimed(turn)
            if claim is not None:
                await self._answer(claim)
        except DatabaseError as error:
            logger.warning("turn %s left for later: %s", turn, type(error).__name__)
        finally:
            self._begun.discard(turn)
            self._stopped_early.discard(turn)

    async def _claimed(self, turn: UUID) -> Claim | None:
        """Shielded: a claim that was begun is stored, whatever becomes of its task."""
        claiming = asyncio.ensure_future(
            in_database(turns.claim, turn, owner=self._owner, lease_seconds=self._lease_seconds)
        )
        self._claims.add(claiming)
        claiming.add_done_callback(self._claims.discard)
        return await asyncio.shield(claiming)

    async def _answer(self, claim: Claim) -> None:
        running = RunningTurn(claim, self.log, self._search, self._model)
        self._running[claim.turn] = running
        if claim.turn in self._stopped_early:
            running.stop()
        try:
            await running.run()
        finally:
            del self._running[claim.turn]

    def _forget_work(self, task: asyncio.Task[Any]) -> None:
        """What went wrong is for who asked; nobody else need hear of it."""
        self._work.discard(task)
        if not task.cancelled():
            task.exception()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        tell_of_failure(task)
