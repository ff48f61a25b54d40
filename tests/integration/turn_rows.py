"""What visitors and processes do to the rows of turns: ask, claim, keep and answer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.db import connection

from chat import conversations, turns
from chat.commands import Send
from chat.models import Turn
from chat.turn.events import Outcome, Source, Usage
from chat.turns import Claim, Progress
from chat.visitors import Identity
from chat.wire_format import Accepted

LEASE_SECONDS = 15
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ALICE = Identity(visitor=UUID(int=1))
THIS_PROCESS = UUID(int=11)
OTHER_PROCESS = UUID(int=12)
DONE = Outcome(
    grounding="answer",
    sources=(
        Source(
            answer=str(UUID(int=7)),
            version=3,
            title="Why?",
            expert="Dr. Young",
            role="Therapist",
            reviewed_at=None,
            overdue=False,
            score=0.91234,
            text="Because.",
            url=None,
        ),
    ),
    suggestions=("And why that?",),
    usage=Usage(input_tokens=5, output_tokens=7, estimated=False),
    model="scripted",
)


def send(
    text: str = "Why?", *, conversation: UUID | None = None, parent: UUID | None = None
) -> Send:
    return Send(
        id=uuid4(),
        conversation=conversation or uuid4(),
        text=text,
        parent=parent,
        continues=False,
    )


def asked(text: str = "Why?", *, after: Accepted | None = None) -> Accepted:
    """Alice's message, in a new conversation or as the answer to an earlier reply."""
    talk, parent = (after.conversation, after.message) if after else (None, None)
    return conversations.accept_send(ALICE, send(text, conversation=talk, parent=parent))


def claimed(turn: UUID, owner: UUID = THIS_PROCESS) -> Claim:
    claim = turns.claim(turn, owner=owner, lease_seconds=LEASE_SECONDS)
    assert claim is not None
    return claim


def keep(claim: Claim, text: str, owner: UUID = THIS_PROCESS) -> dict[UUID, bool]:
    progress = Progress(attempt=claim.attempt, events=5, text=text, rendered=2)
    return turns.keep({claim.turn: progress}, owner=owner, lease_seconds=LEASE_SECONDS)


def let_lease_end(turn: UUID) -> None:
    Turn.objects.filter(pk=turn).update(lease_until=LONG_AGO)


def answered(text: str, reply: str, *, after: Accepted | None = None) -> Accepted:
    accepted = asked(text, after=after)
    turns.end(claimed(accepted.turn), DONE, reply, last_event=3)
    return accepted


@contextmanager
def other_connection() -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """In a transaction of its own, which ends with the block."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        yield other


def until_somebody_waits_for_a_lock(other: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + 20
    while other.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is None:
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
