"""The owner's side of a turn: claiming it, keeping it, ending it.

Every write after the claim names the attempt, so that an owner who was replaced changes nothing.
Leases are told by the database's clock alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from chat.models import Conversation, Message, Turn
from chat.prices import cost_of
from chat.turn.events import Outcome
from chat.turn.language_model import ChatMessage
from chat.turn.request import TurnRequest
from chat.turn.usage import tokens
from chat.turn_requests import turn_request
from chat.visitors import hashed
from chat.wire_format import source_object, usage_object

HISTORY_MESSAGES = 40
MAX_ATTEMPTS = 3
ADOPT_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an owner needs to run a turn. `interrupted_text` was left by an earlier attempt."""

    turn: UUID
    conversation: UUID
    attempt: int
    request: TurnRequest
    interrupted_text: str


def claim(turn: UUID, *, owner: UUID, lease_seconds: int) -> Claim | None:
    """Make the turn this owner's, if it runs and nobody holds it; else None."""
    free = Turn.objects.filter(pk=turn, status=Turn.Status.RUNNING, lease_until__lte=Now())
    claimed = free.update(
        owner=owner, attempt=F("attempt") + 1, lease_until=Now() + timedelta(seconds=lease_seconds)
    )
    if not claimed:
        return None
    row = Turn.objects.select_related("conversation", "question", "reply").get(pk=turn)
    return Claim(
        turn=row.pk,
        conversation=row.conversation_id,
        attempt=row.attempt,
        request=turn_request(
            row.question.text,
            history=history(row.question),
            visitor=hashed(row.conversation.visitor_id),
        ),
        interrupted_text=row.reply.text,
    )


def stop_requested(turn: UUID) -> bool:
    return Turn.objects.filter(pk=turn, stop_requested=True).exists()


def history(question: Message) -> tuple[ChatMessage, ...]:
    """What was said before on this branch, oldest first: whole messages, as many as the budget of
    tokens holds, the visitor's first. Searches of earlier turns are not repeated."""
    said: list[ChatMessage] = []
    room = settings.HISTORY_TOKENS
    for message in ancestors(question):
        room -= tokens(message.text)
        if room < 0:
            break
        if message.text:
            said.append(as_chat_message(message))
    while said and said[-1].role != "user":
        said.pop()
    return tuple(reversed(said))


ANCESTORS = """
WITH RECURSIVE branch AS (
    SELECT id, parent_id, role, text, 1 AS distance FROM chat_message WHERE id = %(parent)s
    UNION ALL
    SELECT m.id, m.parent_id, m.role, m.text, b.distance + 1
    FROM chat_message m JOIN branch b ON m.id = b.parent_id
    WHERE b.distance < %(most)s
)
SELECT id, parent_id, role, text FROM branch ORDER BY distance
"""


def ancestors(question: Message) -> list[Message]:
    """The messages before it on its branch, the last one first, in one query."""
    parameters = {"parent": question.parent_id, "most": HISTORY_MESSAGES}
    return list(Message.objects.raw(ANCESTORS, parameters)) if question.parent_id else []


def as_chat_message(message: Message) -> ChatMessage:
    if message.role == Message.Role.USER:
        return ChatMessage(role="user", content=message.text)
    return ChatMessage(role="assistant", content=message.text)


def keep(
    turns: Mapping[UUID, int], texts: Mapping[UUID, str], *, owner: UUID, lease_seconds: int
) -> dict[UUID, bool]:
    """Renew the leases of running turns and note their text so far.

    `turns` gives each one's attempt. Returns those still this owner's, with whether a stop was
    asked for.
    """
    until = Now() + timedelta(seconds=lease_seconds)
    kept: dict[UUID, bool] = {}
    for turn, attempt in turns.items():
        mine = Turn.objects.filter(
            pk=turn, attempt=attempt, owner=owner, status=Turn.Status.RUNNING
        )
        with transaction.atomic():
            if mine.update(lease_until=until):
                kept[turn] = mine.values_list("stop_requested", flat=True).get()
                Message.objects.filter(turn=turn).update(text=texts.get(turn, ""))
    return kept


def end(claim: Claim, outcome: Outcome, text: str, *, last_event: int) -> int | None:
    """Store a turn's end; the conversation's new revision, or None if the turn is another's now.

    Safe to repeat: the second time finds the end stored and gives the same revision.
    """
    with transaction.atomic():
        conversation = Conversation.objects.select_for_update().get(pk=claim.conversation)
        mine = Turn.objects.filter(pk=claim.turn, attempt=claim.attempt)
        if not mine.filter(status=Turn.Status.RUNNING).exists():
            stored = mine.filter(status=outcome.status, last_event=last_event).first()
            return stored.reply.rev if stored else None
        conversation.rev += 1
        conversation.updated_at = Now()
        conversation.save(update_fields=["rev", "updated_at"])
        mine.update(status=outcome.status, ended_at=Now(), last_event=last_event)
        Message.objects.filter(turn=claim.turn).update(
            text=text,
            status=outcome.status,
            rev=conversation.rev,
            finish=outcome.finish,
            grounding=outcome.grounding,
            sources=[source_object(source) for source in outcome.sources],
            suggestions=list(outcome.suggestions),
            usage=usage_object(outcome.usage),
            model=outcome.model,
            prompt_version=outcome.prompt_version,
            space=outcome.space,
            missed_calls=outcome.missed_calls,
            cost=cost_of(outcome.model, outcome.usage) if outcome.usage else None,
            error=outcome.error or "",
        )
    return conversation.rev


def hand_over(turns: Sequence[UUID], *, owner: UUID) -> None:
    """Let go of turns, so that another process (or the next start) takes them up at once."""
    Turn.objects.filter(pk__in=turns, owner=owner, status=Turn.Status.RUNNING).update(
        lease_until=Now()
    )


def orphans() -> list[UUID]:
    """Running turns that nobody holds."""
    waiting = Turn.objects.filter(status=Turn.Status.RUNNING, lease_until__lte=Now())
    return list(waiting.order_by("lease_until").values_list("pk", flat=True)[:ADOPT_AT_ONCE])
