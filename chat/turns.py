"""The owner's side of a turn: claiming it, keeping it, ending it.

Every write after the claim names the attempt, so that an owner who was replaced changes nothing.
Leases are told by the database's clock alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now

from chat.database import brief_transaction
from chat.delta_log.bells import Changed
from chat.models import Conversation, Message, Turn
from chat.prices import cost_of
from chat.turn.cursor import Cursor
from chat.turn.durable_rounds import DurableRound
from chat.turn.events import Outcome
from chat.turn.language_model import ChatMessage
from chat.turn.request import TurnRequest
from chat.turn.usage import tokens
from chat.turn_requests import turn_request
from chat.visitors import hashed
from chat.wire_format import source_object, usage_object

HISTORY_MESSAGES = 40
MOST_LOST_OWNERS = 2
"""Whoever answers a turn that was lost oftener might be lost by it as well."""
ADOPT_AT_ONCE = 50
YOUNG_SECONDS = 1
"""A turn that was stored so short a while ago is taken up by the process that stored it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an owner needs to run a turn. `interrupted_text` was left by an earlier attempt, and so
    were `rounds`; `lost_owners` did not hand it over; `stop_requested` tells of a stop that came
    before this owner."""

    turn: UUID
    conversation: UUID
    attempt: int
    request: TurnRequest
    interrupted_text: str
    rounds: tuple[DurableRound, ...]
    lost_owners: int
    stop_requested: bool


@brief_transaction()
def claim(turn: UUID, *, owner: UUID, lease_seconds: int) -> Claim | None:
    """Make the turn this owner's, if it runs and nobody holds it; else None."""
    free = Turn.objects.filter(pk=turn, status=Turn.Status.RUNNING, lease_until__lte=Now())
    claimed = free.update(
        owner=owner,
        attempt=F("attempt") + 1,
        last_event=0,
        rendered=0,
        lease_until=Now() + timedelta(seconds=lease_seconds),
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
        rounds=tuple(filter(None, map(DurableRound.read, row.rounds))),
        lost_owners=row.attempt - row.handovers - 1,
        stop_requested=row.stop_requested,
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an attempt has come: `text` is what its first `events` events have made, and its
    finished blocks go as far as `rendered` (UTF-16 units)."""

    attempt: int
    events: int
    text: str
    rendered: int


KEEP = """
WITH free AS (
    SELECT p.* FROM chat_turn AS t
    JOIN unnest(%(turns)s::uuid[], %(attempts)s::int[], %(events)s::int[], %(rendered)s::int[])
        AS p (id, attempt, events, rendered) ON t.id = p.id AND t.attempt = p.attempt
    WHERE t.owner = %(owner)s AND t.status = 'running'
    FOR UPDATE OF t SKIP LOCKED
)
UPDATE chat_turn AS t
SET lease_until = now() + make_interval(secs => %(seconds)s), last_event = free.events,
    rendered = free.rendered
FROM free WHERE t.id = free.id
RETURNING t.id, t.stop_requested
"""
"""One row that somebody holds must not cost the others their leases: it is kept the next time."""
STILL_MINE = """
SELECT t.id, t.stop_requested FROM chat_turn AS t
JOIN unnest(%(turns)s::uuid[], %(attempts)s::int[]) AS p (id, attempt)
    ON t.id = p.id AND t.attempt = p.attempt
WHERE t.owner = %(owner)s AND t.status = 'running'
"""
NOTE_TEXTS = """
UPDATE chat_message AS m SET text = p.text
FROM unnest(%(turns)s::uuid[], %(texts)s::text[]) AS p (turn, text)
JOIN chat_turn AS t ON t.id = p.turn
WHERE m.id = t.reply_id AND m.text <> p.text
"""


def keep(progress: Mapping[UUID, Progress], *, owner: UUID, lease_seconds: int) -> dict[UUID, bool]:
    """Renew the leases of running turns and note their text so far, in three statements.

    Returns those still this owner's, with whether a stop was asked for.
    """
    turns = sorted(progress)  # in one order everywhere, or two processes could wait for each other
    values: dict[str, Any] = {
        "turns": turns,
        "attempts": [progress[turn].attempt for turn in turns],
        "events": [progress[turn].events for turn in turns],
        "rendered": [progress[turn].rendered for turn in turns],
        "owner": owner,
        "seconds": lease_seconds,
    }
    with brief_transaction(), connection.cursor() as cursor:
        cursor.execute(KEEP, values)
        renewed: dict[UUID, bool] = dict(cursor.fetchall())
        texts = [progress[turn].text for turn in renewed]
        cursor.execute(NOTE_TEXTS, {"turns": list(renewed), "texts": texts})
        cursor.execute(STILL_MINE, values)
        return dict(cursor.fetchall())


def note_round(claim: Claim, done: DurableRound) -> None:
    """Add a round to those that a later attempt need not repeat."""
    mine = Turn.objects.filter(
        pk=claim.turn, attempt=claim.attempt, status=Turn.Status.RUNNING
    ).select_for_update()
    with brief_transaction():
        for turn in mine:
            turn.rounds.append(done.as_json())
            turn.save(update_fields=["rounds"])


def end(claim: Claim, outcome: Outcome, text: str, *, last_event: int) -> int | None:
    """Store a turn's end; the conversation's new revision, or None if the turn is another's now.

    Safe to repeat: the second time finds the end stored and gives the same revision.
    """
    with brief_transaction():
        conversations = Conversation.objects.select_for_update()
        conversation = conversations.filter(pk=claim.conversation).first()
        if conversation is None:  # removed, and all that was said in it
            return None
        mine = Turn.objects.filter(pk=claim.turn, attempt=claim.attempt)
        ended = mine.filter(status=Turn.Status.RUNNING).update(
            status=outcome.status, ended_at=Now(), last_event=last_event, rounds=[]
        )
        if not ended:
            stored = mine.filter(status=outcome.status, last_event=last_event).first()
            return stored.reply.rev if stored else None
        if conversation.deleted_at is None:  # else nobody shall hear of it
            conversation.rev += 1
            conversation.updated_at = Now()
            conversation.save(update_fields=["rev", "updated_at"])
        Message.objects.filter(turn=claim.turn).update(
            rev=conversation.rev, **reply_columns(outcome, text)
        )
    return conversation.rev


def reply_columns(outcome: Outcome, text: str) -> dict[str, Any]:
    """What is stored of a reply that has ended."""
    return {
        "text": text,
        "status": outcome.status,
        "finish": outcome.finish,
        "grounding": outcome.grounding,
        "sources": [source_object(source) for source in outcome.sources],
        "suggestions": list(outcome.suggestions),
        "usage": usage_object(outcome.usage),
        "model": outcome.model,
        "prompt_version": outcome.prompt_version,
        "space": outcome.space,
        "missed_calls": outcome.missed_calls,
        "cost": cost_of(outcome.model, outcome.usage) if outcome.usage else None,
        "error": outcome.error or "",
        "notice_wanted": outcome.finish == "no_answer",
    }


def hand_over(*, owner: UUID) -> int:
    """Let go of all turns of this owner, so that they are taken up at once; how many."""
    mine = Turn.objects.filter(owner=owner, status=Turn.Status.RUNNING)
    return mine.update(lease_until=Now(), handovers=F("handovers") + 1)


def orphans() -> list[UUID]:
    """Running turns that nobody holds, but for those that their process is about to claim."""
    young = Q(owner=None, lease_until__gt=Now() - timedelta(seconds=YOUNG_SECONDS))
    waiting = Turn.objects.filter(~young, status=Turn.Status.RUNNING, lease_until__lte=Now())
    # By chance, so that not all processes try the same ones.
    return list(waiting.order_by("?").values_list("pk", flat=True)[:ADOPT_AT_ONCE])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A turn as Postgres has it. `text` is the reply's as far as `cursor`, `rendered` how much of
    it stands in finished blocks."""

    running: bool
    cursor: Cursor
    text: str
    rendered: int


def stored(turns: Sequence[UUID]) -> dict[UUID, Stored]:
    """Those of these turns that there are."""
    rows = Turn.objects.filter(pk__in=turns).select_related("reply")
    return {
        row.pk: Stored(
            running=row.status == Turn.Status.RUNNING,
            cursor=Cursor(row.attempt, row.last_event),
            text=row.reply.text,
            rendered=row.rendered,
        )
        for row in rows
    }


def revisions(conversations: Sequence[UUID]) -> list[Changed]:
    """What bells would have told of these conversations, where there are any."""
    rows = Conversation.objects.filter(pk__in=conversations)
    return [
        Changed(conversation=row.pk, rev=row.rev, deleted=row.deleted_at is not None)
        for row in rows
    ]
