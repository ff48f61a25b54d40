"""Takes an expert's answer back to those who were told that there was none yet.

A question is searched again only after something was published since; a process remembers how far
it has come. Several may look at once: the rows see to it that everybody is told once.
"""

import asyncio
import logging
import random
from collections import deque
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError
from django.db.models import Exists, Max, OuterRef, QuerySet, Sum
from django.db.models.functions import Now

from chat.conversations import BusyError, continued, refuse_if_busy
from chat.database import brief_transaction, in_database
from chat.delta_log.base import DeltaLog
from chat.delta_log.bells import Changed
from chat.metrics import LATE_ANSWERS
from chat.models import Conversation, Message
from chat.turn.events import Outcome, TextDelta
from chat.turn.expert_search import ExpertSearch, SearchUnavailableError
from chat.turn.loop import run_turn
from chat.turn.request import TurnRequest
from chat.turn_requests import turn_request
from chat.turns import history, reply_columns
from knowledge.models import Answer

logger = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
LONGEST_WAIT = timedelta(days=180)
SEARCHED_AT_ONCE = 20
COMMITTING = timedelta(minutes=1)
"""An answer may be dated so long before others can see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Differs from what it was whenever an answer was published or edited."""

    versions: int
    changed_at: datetime


class LateAnswers:
    """Searches waiting questions again, the newest first, and tells those who asked."""

    def __init__(self, log: DeltaLog, search: ExpertSearch) -> None:
        self._log = log
        self._search = search
        self._published: Published | None = None
        self._due: deque[UUID] = deque()
        """Replies whose questions were not searched since that was published."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                told = await self.tell_some()
            except (DatabaseError, SearchUnavailableError) as error:
                logger.warning("late answers left for later: %s", type(error).__name__)
            else:
                if told:
                    logger.info("late answers told: %d", told)
            await asyncio.sleep(random.uniform(0.5, 1) * LOOK_SECONDS)  # noqa: S311  (no secret)

    async def tell_some(self) -> int:
        """How many were told. Raises DatabaseError, SearchUnavailableError."""
        await self._note_what_is_due()
        told = 0
        for _ in range(min(SEARCHED_AT_ONCE, len(self._due))):
            with suppress(BusyError):
                told += await self._tell_next()
        return told

    async def _note_what_is_due(self) -> None:
        published = await in_database(published_now)
        if published is None or published == self._published:
            return
        waiting = await in_database(waiting_before, published.changed_at + COMMITTING)
        noted = set(self._due)
        self._due.extend(reply for reply in waiting if reply not in noted)
        self._published = published

    async def _tell_next(self) -> bool:
        reply = self._due.popleft()
        try:
            return await self._tell(reply)
        except (BusyError, DatabaseError, SearchUnavailableError):
            self._due.append(reply)
            raise

    async def _tell(self, reply: UUID) -> bool:
        request = await in_database(request_of, reply)
        if request is None:
            return False
        outcome, text = await quoted(request, self._search)
        changed = await in_database(store, reply, outcome, text) if outcome.sources else None
        if changed is None:
            return False
        LATE_ANSWERS.inc()
        self._log.ring(changed)
        return True


def published_now() -> Published | None:
    """None where nothing is."""
    answers = Answer.objects.filter(status=Answer.Status.PUBLISHED)
    found = answers.aggregate(versions=Sum("version"), changed_at=Max("updated_at"))
    return Published(**found) if found["versions"] else None


def waiting_before(moment: datetime) -> list[UUID]:
    """Replies of before, the newest first."""
    replies = waiting().filter(created_at__lt=moment).order_by("-created_at")
    return list(replies.values_list("pk", flat=True))


def waiting() -> QuerySet[Message]:
    """Replies that an answer is waited for with. Who has asked again waits with the later reply."""
    later = Message.objects.filter(
        parent=OuterRef("parent"),
        created_at__gt=OuterRef("created_at"),
        status=Message.Status.DONE,
    )
    return Message.objects.filter(
        ~Exists(later),
        role=Message.Role.ASSISTANT,
        finish="no_answer",
        notice_wanted=True,
        conversation__deleted_at=None,
        created_at__gt=Now() - LONGEST_WAIT,
    )


def request_of(reply: UUID) -> TurnRequest | None:
    """The question again, if it still waits. Raises BusyError."""
    row = waiting().filter(pk=reply).select_related("parent", "conversation").first()
    if row is None or row.parent is None:
        return None
    refuse_if_busy(row.conversation)
    return turn_request(row.parent.text, history=history(row.parent))


async def quoted(request: TurnRequest, search: ExpertSearch) -> tuple[Outcome, str]:
    """What a turn without a model says now; without sources where no answer clearly fits.

    Raises SearchUnavailableError.
    """
    outcome, pieces = Outcome(), list[str]()
    async with aclosing(run_turn(request, search, None)) as events:
        async for event in events:
            match event:
                case TextDelta():
                    pieces.append(event.text)
                case Outcome(status="failed"):
                    raise SearchUnavailableError
                case Outcome():
                    outcome = event
    return outcome, "".join(pieces)


@brief_transaction()
def store(reply: UUID, outcome: Outcome, text: str) -> Changed | None:
    """Put the answer beside the reply that was waited with; None if nobody waits any more, or the
    answer was there before: then it was judged not to fit. Raises BusyError."""
    conversations = Conversation.objects.select_for_update(skip_locked=True, of=("self",))
    conversation = conversations.filter(messages=reply).first()
    if conversation is None:  # somebody is at it
        raise BusyError
    refuse_if_busy(conversation)
    row = waiting().filter(pk=reply).select_for_update(of=("self",)).first()
    if row is None or not published_since(row.created_at, outcome.sources[0].answer):
        return None
    continued(conversation)
    row.notice_wanted, row.rev = False, conversation.rev
    row.save(update_fields=["notice_wanted", "rev"])
    Message.objects.create(
        conversation=conversation,
        parent_id=row.parent_id,
        role=Message.Role.ASSISTANT,
        rev=conversation.rev,
        **reply_columns(outcome, text),
    )
    return Changed(conversation=conversation.pk, rev=conversation.rev)


def published_since(moment: datetime, answer: str) -> bool:
    answers = Answer.objects.filter(uid=answer, status=Answer.Status.PUBLISHED)
    return answers.filter(updated_at__gt=moment - COMMITTING).exists()
