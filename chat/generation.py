"""Runs turns in tasks of the process. Nobody has to be watching; a closed socket stops nothing."""

import asyncio
import logging
import time
import uuid
from contextlib import aclosing
from itertools import chain, repeat
from uuid import UUID

from django.db import DatabaseError, DataError, IntegrityError

from chat import turns
from chat.database import in_database
from chat.delta_log.base import DeltaLog
from chat.reply import Reply, ReplyTooLongError
from chat.turn.events import Outcome, Restarted, Started, TextDelta
from chat.turn.expert_search import ExpertSearch
from chat.turn.language_model import LanguageModel
from chat.turn.loop import run_turn
from chat.turn.record import TurnRecord
from chat.turns import Claim

logger = logging.getLogger(__name__)

BEATS_PER_LEASE = 3
END_PAUSES_SECONDS = (0.1, 0.2, 0.5, 1, 2, 4, 8)
HAND_OVER_SECONDS = 5.0


class RunningTurn:
    """A turn that this process owns, while it runs."""

    def __init__(self, claim: Claim, log: DeltaLog) -> None:
        self.claim = claim
        self.record = TurnRecord()
        citations = self.record.citations
        self.reply = Reply(claim.turn, claim.attempt, log, lambda: citations.hosts)
        self.stop = asyncio.Event()

    def broken_off(self, outcome: Outcome) -> Outcome:
        """`outcome` for a turn that ends here and now."""
        return self.record.broken_off(outcome, self.reply.text)


class Generation:
    """Owns the process's turns: starts them, keeps their leases, stops them, hands them over."""

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
        self._tasks: set[asyncio.Task[None]] = set()
        self._caretaker: asyncio.Task[None] | None = None
        self._beating_since = time.monotonic()
        self.draining = False

    @property
    def expert_only(self) -> bool:
        return self._model is None

    def begin(self) -> None:
        """Start keeping leases and taking up orphans; once a process, from its event loop."""
        if self._caretaker is None or self._caretaker.done():
            self._beating_since = time.monotonic() - self._lease_seconds
            self._caretaker = asyncio.create_task(self._take_care(), name="turn caretaker")

    def start(self, turn: UUID) -> None:
        """Run a turn in a task of its own, unless it runs here or another process is faster."""
        if turn in self._running:
            return
        task = asyncio.create_task(self._run(turn), name=f"turn {turn}")
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def stop(self, turn: UUID) -> None:
        """Stop a turn that runs here; elsewhere the stored request is found at the next beat."""
        if turn in self._running:
            self._running[turn].stop.set()

    async def drain(self, seconds: float) -> None:
        """Take up nothing new, let running turns finish, and hand over those that do not."""
        self.draining = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        left = list(self._running)
        owned = [*self._tasks, *([self._caretaker] if self._caretaker else [])]
        for task in owned:
            task.cancel()
        await asyncio.gather(*owned, return_exceptions=True)
        if left:
            await self._hand_over(left)

    async def _hand_over(self, left: list[UUID]) -> None:
        """Let go of turns. Where Postgres is away their leases run out by themselves."""
        try:
            async with asyncio.timeout(HAND_OVER_SECONDS):
                await in_database(turns.hand_over, left, owner=self._owner)
        except (DatabaseError, TimeoutError) as error:
            logger.warning("turns not handed over: %s", type(error).__name__)

    async def _run(self, turn: UUID) -> None:
        """Claim and answer the turn. What Postgres refuses now is an orphan for the caretaker."""
        try:
            claim = await in_database(
                turns.claim, turn, owner=self._owner, lease_seconds=self._lease_seconds
            )
            if claim is not None:
                await self._answer(claim)
        except DatabaseError as error:
            logger.warning("turn %s left for later: %s", turn, type(error).__name__)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            logger.error("%s broke off", task.get_name(), exc_info=task.exception())

    async def _answer(self, claim: Claim) -> None:
        running = RunningTurn(claim, self.log)
        self._running[claim.turn] = running
        try:
            if await in_database(turns.stop_requested, claim.turn):  # before `stop` knew of it
                running.stop.set()
            await self._reply(running)
        finally:
            if self._running.get(claim.turn) is running:  # not a later attempt
                del self._running[claim.turn]

    async def _reply(self, running: RunningTurn) -> None:
        reply = running.reply
        if running.claim.attempt == 1:
            await reply.add(Started())
        else:
            await reply.add(Restarted(keep=0, why="worker_lost"))
        outcome = await self._outcome(running)
        await reply.close_blocks()
        await self._store_end(running, outcome)

    async def _outcome(self, running: RunningTurn) -> Outcome:
        """Write the reply until it ends or is stopped, whichever is first."""
        if running.claim.attempt > turns.MAX_ATTEMPTS:
            if running.claim.interrupted_text:
                await running.reply.add(TextDelta(text=running.claim.interrupted_text))
            return Outcome(status="failed", error="interrupted")
        writing = asyncio.create_task(self._write_to_the_end(running))
        stopping = asyncio.create_task(running.stop.wait())
        try:
            await asyncio.wait({writing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                return writing.result()
            return running.broken_off(Outcome(status="stopped"))
        finally:
            for task in (writing, stopping):
                task.cancel()
            await asyncio.gather(writing, stopping, return_exceptions=True)

    async def _write_to_the_end(self, running: RunningTurn) -> Outcome:
        """The edge of the background task: an error of our own fails the turn, not the visitor."""
        try:
            return await self._write(running)
        except Exception:
            logger.exception("turn %s failed", running.claim.turn)
            return running.broken_off(Outcome(status="failed", error="internal"))

    async def _write(self, running: RunningTurn) -> Outcome:
        request = running.claim.request
        events = run_turn(request, self._search, self._model, running.record)
        async with aclosing(events):
            try:
                async for event in events:
                    if isinstance(event, Outcome):
                        return event
                    await running.reply.add(event)
            except ReplyTooLongError:
                return running.broken_off(Outcome(finish="length"))
        raise RuntimeError("A turn ended without an outcome.")

    async def _store_end(self, running: RunningTurn, outcome: Outcome) -> None:
        """Commit, then tell the readers."""
        reply, claim = running.reply, running.claim
        rev = await self._stored(running, outcome)
        if rev is None:
            logger.warning("turn %s is another process's now", claim.turn)
            return
        await reply.end(outcome, rev)
        self.log.ring(claim.conversation, rev)

    async def _stored(self, running: RunningTurn, outcome: Outcome) -> int | None:
        """The revision that the end got. While Postgres is away the reply waits for it."""
        claim, text = running.claim, running.reply.text
        last_event = running.reply.count + 1
        for pause in chain(END_PAUSES_SECONDS, repeat(END_PAUSES_SECONDS[-1])):
            try:
                return await asyncio.shield(
                    in_database(turns.end, claim, outcome, text, last_event=last_event)
                )
            except (DataError, IntegrityError):
                raise
            except DatabaseError as error:
                logger.warning("turn %s not stored: %s", claim.turn, type(error).__name__)
                await asyncio.sleep(pause)
        return None

    async def _take_care(self) -> None:
        """Renew leases, hear of stops, and take up orphans once Postgres has been well a while."""
        while True:
            try:
                await self._beat()
                if not self.draining and self._well_for_a_lease():
                    for turn in await in_database(turns.orphans):
                        self.start(turn)
            except DatabaseError as error:
                self._beating_since = time.monotonic()
                logger.warning("beat failed: %s", type(error).__name__)
            await asyncio.sleep(self._lease_seconds / BEATS_PER_LEASE)

    def _well_for_a_lease(self) -> bool:
        """After an outage of the database everybody's leases look expired; nobody has died."""
        return time.monotonic() - self._beating_since >= self._lease_seconds

    async def _beat(self) -> None:
        running = dict(self._running)
        if not running:
            return
        kept = await in_database(
            turns.keep,
            {turn: each.claim.attempt for turn, each in running.items()},
            {turn: each.reply.text for turn, each in running.items()},
            owner=self._owner,
            lease_seconds=self._lease_seconds,
        )
        for turn, each in running.items():
            if kept.get(turn, True):  # a stop was asked for, or another owner has it
                each.stop.set()
