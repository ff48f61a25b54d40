"""A turn that this process owns, from its claim to its stored end."""

import asyncio
import logging
import time
from collections.abc import Awaitable
from contextlib import aclosing, suppress
from itertools import chain, repeat

from django.db import DatabaseError, DataError, IntegrityError

from chat import turns
from chat.database import in_database
from chat.delta_log.base import DeltaLog
from chat.delta_log.bells import Changed
from chat.metrics import FIRST_TEXT_SECONDS, TAKEOVERS, TURNS_ENDED
from chat.reply import Reply, ReplyTooLongError
from chat.turn.durable_rounds import DurableRound, DurableRounds
from chat.turn.events import Outcome, Restarted, Started, TextDelta
from chat.turn.expert_search import ExpertSearch
from chat.turn.language_model import LanguageModel
from chat.turn.loop import run_turn
from chat.turn.lost_attempt import count_lost, recall
from chat.turn.record import TurnRecord
from chat.turns import Claim, Progress

logger = logging.getLogger(__name__)

END_PAUSES_SECONDS = (0.1, 0.2, 0.5, 1, 2, 4, 8)
RECALL_SECONDS = 5.0
"""How long the end of a turn whose owner was lost may wait for what its text rests on."""


class RunningTurn:
    """`run` ends when the turn has: it is stored, or it is another process's now."""

    def __init__(
        self, claim: Claim, log: DeltaLog, search: ExpertSearch, model: LanguageModel | None
    ) -> None:
        self._claim = claim
        self._log = log
        self._search = search
        self._model = model and DurableRounds(model, claim.rounds, self._note_round)
        self._record = TurnRecord()
        citations = self._record.citations
        self._reply = Reply(claim.turn, claim.attempt, log, lambda: citations.hosts)
        self._interrupted = asyncio.Event()
        self._lost = False
        self._notes: set[asyncio.Task[None]] = set()
        self._claimed_at = time.monotonic()

    @property
    def progress(self) -> Progress:
        return Progress(
            attempt=self._claim.attempt,
            events=self._reply.count,
            text=self._reply.text,
            rendered=self._reply.rendered,
        )

    def stop(self) -> None:
        """The visitor wants no more of it."""
        self._interrupted.set()

    def lose(self) -> None:
        """Another process owns it: nothing more is written, and nothing stored."""
        self._lost = True
        self._interrupted.set()

    async def run(self) -> None:
        claim = self._claim
        self._log.own(claim.turn, claim.attempt, self.lose)
        try:
            await self._begin()
            outcome = await self._outcome()
            await self._reply.close_blocks()
            await self._end(outcome)
        finally:
            self._log.release(claim.turn)
            for task in self._notes:
                task.cancel()

    async def _begin(self) -> None:
        """A later attempt tells everything again, so that its events are enough by themselves."""
        claim = self._claim
        if claim.attempt == 1:
            await self._reply.add(Started())
            return
        TAKEOVERS.inc()
        if self._model and claim.interrupted_text:
            text, model = claim.interrupted_text, self._model.name
            count_lost(self._record, claim.request, model=model, text=text)
        await self._reply.add(Restarted(keep=0, why="worker_lost"))

    async def _outcome(self) -> Outcome:
        """Write the reply until it ends or is interrupted, whichever is first."""
        if given_up := self._given_up():
            return await self._to_the_end(self._as_it_was_left(given_up))
        writing = asyncio.create_task(self._to_the_end(self._write()))
        waiting = asyncio.create_task(self._interrupted.wait())
        try:
            await asyncio.wait({writing, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                return writing.result()
            return self._broken_off(Outcome(status="stopped"))
        finally:
            for task in (writing, waiting):
                task.cancel()
            await asyncio.gather(writing, waiting, return_exceptions=True)

    def _given_up(self) -> Outcome | None:
        """How a turn ends that nobody shall answer any more."""
        if self._claim.stop_requested or self._interrupted.is_set():
            return Outcome(status="stopped")
        if self._claim.lost_owners > turns.MOST_LOST_OWNERS:
            return Outcome(status="failed", error="interrupted")
        return None

    async def _as_it_was_left(self, outcome: Outcome) -> Outcome:
        """Nothing is written any more; what an earlier attempt wrote is kept."""
        if self._claim.interrupted_text:
            await self._reply.add(TextDelta(text=self._claim.interrupted_text))
        if self._model and self._claim.lost_owners <= turns.MOST_LOST_OWNERS + 1:
            with suppress(TimeoutError):  # once: it may be this that costs the turn its owners
                await asyncio.wait_for(self._recall(self._model.name), RECALL_SECONDS)
        return self._broken_off(outcome)

    async def _recall(self, model: str) -> None:
        claim = self._claim
        if claim.rounds:
            await recall(self._record, claim.request, claim.rounds, self._search, model=model)

    def _broken_off(self, outcome: Outcome) -> Outcome:
        """`outcome` for a turn that ends here and now."""
        return self._record.broken_off(outcome, self._reply.text)

    async def _to_the_end(self, writing: Awaitable[Outcome]) -> Outcome:
        """The edge of the background task: an error of our own fails the turn, not the visitor."""
        try:
            return await writing
        except Exception:
            logger.exception("turn %s failed", self._claim.turn)
            return self._broken_off(Outcome(status="failed", error="internal"))

    async def _write(self) -> Outcome:
        events = run_turn(self._claim.request, self._search, self._model, self._record)
        async with aclosing(events):
            try:
                async for event in events:
                    if isinstance(event, Outcome):
                        return event
                    self._time_first_text(event)
                    await self._reply.add(event)
            except ReplyTooLongError:
                return self._broken_off(Outcome(finish="length"))
        raise RuntimeError("A turn ended without an outcome.")

    def _time_first_text(self, event: object) -> None:
        if self._claimed_at and isinstance(event, TextDelta):
            FIRST_TEXT_SECONDS.observe(time.monotonic() - self._claimed_at)
            self._claimed_at = 0.0

    def _note_round(self, done: DurableRound) -> None:
        """Beside the turn, which need not wait for it: a round that was not noted is repeated."""
        task = asyncio.create_task(self._store_round(done))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _store_round(self, done: DurableRound) -> None:
        try:
            await in_database(turns.note_round, self._claim, done)
        except DatabaseError as error:
            logger.warning("a round was not noted: %s", type(error).__name__)

    async def _end(self, outcome: Outcome) -> None:
        """Commit, then tell the readers."""
        rev = None if self._lost else await self._stored(outcome)
        if rev is None:
            logger.warning("turn %s is another process's now", self._claim.turn)
            return
        TURNS_ENDED.labels(outcome.status).inc()
        await self._reply.end(outcome, rev)
        self._log.ring(Changed(conversation=self._claim.conversation, rev=rev))

    async def _stored(self, outcome: Outcome) -> int | None:
        """The revision that the end got. While Postgres is away the reply waits for it."""
        claim, text = self._claim, self._reply.text
        last_event = self._reply.count + 1
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
