"""The rows of conversations and turns: who may write what, and when."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import IntegrityError, connection
from pytest_django import Settings

from chat import conversations, turns
from chat.commands import Regenerate, Send, Stop
from chat.conversations import BusyError, IdConflictError, NotFoundError
from chat.models import Conversation, Message, Turn
from chat.turn.cursor import Cursor
from chat.turn.durable_rounds import DurableRound
from chat.turn.events import Outcome, Source, TextDelta, Usage
from chat.turn.language_model import RoundFinished, RoundUsage, ToolCallDelta
from chat.turn_requests import turn_request
from chat.turns import Claim, Progress, Stored
from chat.visitors import Identity, hashed
from chat.wire_format import Accepted

pytestmark = pytest.mark.django_db

LEASE_SECONDS = 15
ROUND = DurableRound(
    request="digest",
    events=(
        TextDelta(text="让我看看。"),
        ToolCallDelta(index=0, id="call_1", name="search", arguments='{"question": "?"}'),
        RoundUsage(input_tokens=3, output_tokens=2),
        RoundFinished(reason="tool_calls", reasoning="Hm."),
    ),
)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ALICE = Identity(visitor=UUID(int=1))
BOB = Identity(visitor=UUID(int=2))
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


@contextmanager
def other_connection() -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """In a transaction of its own, which ends with the block."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        yield other


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


def test_claim_tells_an_owner_what_it_needs() -> None:
    accepted = asked("Why does he spin?")

    assert claimed(accepted.turn) == Claim(
        turn=accepted.turn,
        conversation=accepted.conversation,
        attempt=1,
        request=turn_request("Why does he spin?", visitor=hashed(ALICE.visitor)),
        interrupted_text="",
        rounds=(),
        lost_owners=0,
        stop_requested=False,
    )


def test_turn_that_is_held_cannot_be_claimed() -> None:
    accepted = asked()
    claimed(accepted.turn)

    assert turns.claim(accepted.turn, owner=OTHER_PROCESS, lease_seconds=LEASE_SECONDS) is None


def test_turn_whose_lease_is_over_is_claimed_as_the_next_attempt() -> None:
    accepted = asked()
    first = claimed(accepted.turn)
    keep(first, "Becau")
    let_lease_end(accepted.turn)

    second = claimed(accepted.turn, OTHER_PROCESS)

    assert (second.attempt, second.interrupted_text) == (2, "Becau")


def test_turn_that_has_ended_cannot_be_claimed() -> None:
    accepted = answered("Why?", "Because.")
    let_lease_end(accepted.turn)

    assert turns.claim(accepted.turn, owner=OTHER_PROCESS, lease_seconds=LEASE_SECONDS) is None


@pytest.mark.django_db(transaction=True)
def test_only_one_of_many_who_claim_at_once_gets_the_turn() -> None:
    accepted = asked()

    def claim_and_leave(_: int) -> Claim | None:
        try:
            return turns.claim(accepted.turn, owner=uuid4(), lease_seconds=LEASE_SECONDS)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        claims = list(threads.map(claim_and_leave, range(8)))

    assert len([claim for claim in claims if claim]) == 1


def test_kept_turn_has_a_new_lease_and_its_text_so_far() -> None:
    accepted = asked()
    claim = claimed(accepted.turn)
    let_lease_end(accepted.turn)

    kept = keep(claim, "Becau")

    turn = Turn.objects.get(pk=accepted.turn)
    assert kept == {accepted.turn: False}
    assert turn.lease_until > LONG_AGO + timedelta(days=1)
    assert Message.objects.get(pk=accepted.message).text == "Becau"


def test_owner_who_was_replaced_keeps_nothing() -> None:
    accepted = asked()
    zombie = claimed(accepted.turn)
    let_lease_end(accepted.turn)
    successor = claimed(accepted.turn, OTHER_PROCESS)
    keep(successor, "New", OTHER_PROCESS)

    assert keep(zombie, "Old") == {}
    assert Message.objects.get(pk=accepted.message).text == "New"


def test_owner_hears_of_a_stop_when_it_renews_its_lease() -> None:
    accepted = asked()
    claim = claimed(accepted.turn)
    conversations.request_stop(ALICE, Stop(turn=accepted.turn, send=None))

    assert keep(claim, "") == {accepted.turn: True}


def test_next_owner_hears_of_a_stop_that_the_last_one_missed() -> None:
    stopped, other = asked("Stop?"), asked("Go on?")
    conversations.request_stop(ALICE, Stop(turn=None, send=stopped.id))

    assert claimed(stopped.turn).stop_requested
    assert not claimed(other.turn).stop_requested


def test_round_that_was_noted_is_there_for_the_next_owner() -> None:
    accepted = asked()
    turns.note_round(claimed(accepted.turn), ROUND)
    let_lease_end(accepted.turn)

    assert claimed(accepted.turn, OTHER_PROCESS).rounds == (ROUND,)


def test_owner_who_was_replaced_notes_no_round() -> None:
    accepted = asked()
    zombie = claimed(accepted.turn)
    let_lease_end(accepted.turn)
    claimed(accepted.turn, OTHER_PROCESS)

    turns.note_round(zombie, ROUND)

    assert Turn.objects.get(pk=accepted.turn).rounds == []


def test_rounds_of_another_version_are_passed_over() -> None:
    accepted = asked()
    Turn.objects.filter(pk=accepted.turn).update(rounds=[{"said": "?"}, ROUND.as_json(), 7])

    assert claimed(accepted.turn).rounds == (ROUND,)


def test_progress_of_a_running_turn_can_be_told_to_readers() -> None:
    accepted = asked()
    keep(claimed(accepted.turn), "Becau")

    stored = turns.stored([accepted.turn, uuid4()])

    assert stored == {
        accepted.turn: Stored(running=True, cursor=Cursor(1, 5), text="Becau", rendered=2)
    }


def test_next_attempt_begins_before_its_first_event() -> None:
    accepted = asked()
    keep(claimed(accepted.turn), "Becau")
    let_lease_end(accepted.turn)
    claimed(accepted.turn, OTHER_PROCESS)

    [stored] = turns.stored([accepted.turn]).values()

    assert (stored.cursor, stored.text, stored.rendered) == (Cursor(2, 0), "Becau", 0)


def test_many_turns_are_kept_at_once() -> None:
    claims = [claimed(asked(f"Why {number}?").turn) for number in range(3)]
    let_lease_end(claims[1].turn)
    successor = claimed(claims[1].turn, OTHER_PROCESS)

    kept = turns.keep(
        {
            claim.turn: Progress(attempt=1, events=3, text=f"Text {number}", rendered=0)
            for number, claim in enumerate(claims)
        },
        owner=THIS_PROCESS,
        lease_seconds=LEASE_SECONDS,
    )

    texts = {turn: each.text for turn, each in turns.stored([c.turn for c in claims]).items()}
    assert set(kept) == {claims[0].turn, claims[2].turn}
    assert texts == {claims[0].turn: "Text 0", successor.turn: "", claims[2].turn: "Text 2"}


@pytest.mark.django_db(transaction=True)
def test_row_that_somebody_holds_costs_no_other_turn_its_lease() -> None:
    stuck, free = claimed(asked("Stuck?").turn), claimed(asked("Free?").turn)
    for claim in (stuck, free):
        let_lease_end(claim.turn)
    progress = Progress(attempt=1, events=3, text="Text", rendered=0)

    with other_connection() as other:
        other.execute("SELECT 1 FROM chat_turn WHERE id = %s FOR UPDATE", [stuck.turn])
        kept = turns.keep(
            {stuck.turn: progress, free.turn: progress},
            owner=THIS_PROCESS,
            lease_seconds=LEASE_SECONDS,
        )

    assert kept == {stuck.turn: False, free.turn: False}
    assert turns.orphans() == [stuck.turn]


def test_revisions_tell_of_the_conversations_that_there_are() -> None:
    accepted = answered("Why?", "Because.")

    assert turns.revisions([accepted.conversation, uuid4()]) == {accepted.conversation: 2}


def test_end_stores_the_reply_with_all_that_belongs_to_it() -> None:
    accepted = asked()

    rev = turns.end(claimed(accepted.turn), DONE, "Because.", last_event=9)

    reply = conversations.reply_view(ALICE, accepted.message)
    assert (reply.text, reply.status, reply.rev) == ("Because.", "done", rev)
    assert (reply.grounding, reply.finish, reply.error) == ("answer", "stop", "")
    assert (reply.sources[0]["score"], reply.suggestions) == (0.9123, ["And why that?"])  # type: ignore[index,call-overload]
    assert reply.usage == {"input_tokens": 5, "output_tokens": 7, "estimated": False}
    assert Turn.objects.get(pk=accepted.turn).last_event == 9


def test_end_that_is_repeated_changes_nothing() -> None:
    accepted = asked()
    claim = claimed(accepted.turn)

    revs = [turns.end(claim, DONE, "Because.", last_event=9) for _ in range(3)]

    assert revs == [2, 2, 2]
    assert Conversation.objects.get(pk=accepted.conversation).rev == 2


def test_owner_who_was_replaced_ends_nothing() -> None:
    accepted = asked()
    zombie = claimed(accepted.turn)
    let_lease_end(accepted.turn)
    successor = claimed(accepted.turn, OTHER_PROCESS)

    assert turns.end(zombie, DONE, "Old.", last_event=9) is None
    assert turns.end(successor, DONE, "New.", last_event=4) == 2
    assert turns.end(zombie, DONE, "Old.", last_event=9) is None
    assert Message.objects.get(pk=accepted.message).text == "New."


def test_end_that_differs_from_the_stored_one_is_refused() -> None:
    accepted = asked()
    claim = claimed(accepted.turn)
    turns.end(claim, DONE, "Because.", last_event=9)

    assert turns.end(claim, replace(DONE, status="failed"), "Because.", last_event=9) is None


def test_turns_that_are_handed_over_can_be_claimed_at_once() -> None:
    accepted = asked()
    claimed(accepted.turn)

    turns.hand_over(owner=THIS_PROCESS)

    assert turns.orphans() == [accepted.turn]
    assert claimed(accepted.turn, OTHER_PROCESS).attempt == 2


def test_nobody_hands_over_what_another_holds() -> None:
    accepted = asked()
    claimed(accepted.turn)

    turns.hand_over(owner=OTHER_PROCESS)

    assert turns.orphans() == []


def test_owners_that_were_lost_are_counted_and_those_that_handed_over_are_not() -> None:
    accepted = asked()
    claimed(accepted.turn)
    turns.hand_over(owner=THIS_PROCESS)
    claimed(accepted.turn, OTHER_PROCESS)
    let_lease_end(accepted.turn)

    third = claimed(accepted.turn)

    assert (third.attempt, third.lost_owners) == (3, 1)


def test_orphans_are_the_running_turns_that_nobody_holds() -> None:
    held, lost, never_begun = asked("Held?"), asked("Lost?"), asked("Never begun?")
    answered("Over?", "Yes.")
    asked("Just asked?")
    for accepted in (held, lost):
        claimed(accepted.turn)
    for accepted in (lost, never_begun):
        let_lease_end(accepted.turn)

    assert set(turns.orphans()) == {lost.turn, never_begun.turn}


def test_history_is_what_was_said_on_the_branch() -> None:
    first = answered("One?", "One.")
    answered("Other?", "Other.", after=first)
    second = answered("Two?", "Two.", after=first)
    third = asked("Three?", after=second)

    said = [(each.role, each.content) for each in claimed(third.turn).request.history]

    assert said == [
        ("user", "One?"),
        ("assistant", "One."),
        ("user", "Two?"),
        ("assistant", "Two."),
    ]


def test_history_of_a_new_reply_is_what_came_before_the_question() -> None:
    first = answered("One?", "One.")
    second = answered("Two?", "Two.", after=first)
    again = conversations.accept_regenerate(ALICE, Regenerate(id=uuid4(), message=second.message))

    claim = claimed(again.turn)

    assert claim.request.question == "Two?"
    assert [each.content for each in claim.request.history] == ["One?", "One."]


def test_history_leaves_out_replies_without_a_word() -> None:
    first = answered("One?", "")
    second = asked("Two?", after=first)

    assert [each.content for each in claimed(second.turn).request.history] == ["One?"]


def test_history_is_bounded_in_messages() -> None:
    accepted = answered("0?", "0.")
    for number in range(1, turns.HISTORY_MESSAGES):
        accepted = answered(f"{number}?", f"{number}.", after=accepted)

    history = claimed(asked("Last?", after=accepted).turn).request.history

    assert len(history) == turns.HISTORY_MESSAGES
    assert history[-1].content == f"{turns.HISTORY_MESSAGES - 1}."


@pytest.mark.parametrize(
    ("budget", "kept"),
    [
        pytest.param(4, ["One?", "One.", "Two?", "Two."], id="all"),
        pytest.param(3, ["Two?", "Two."], id="a reply without its question is left out"),
        pytest.param(1, [], id="nothing fits"),
    ],
)
def test_history_is_as_long_as_its_budget_of_tokens(
    settings: Settings, budget: int, kept: list[str]
) -> None:
    settings.HISTORY_TOKENS = budget
    first = answered("One?", "One.")
    second = answered("Two?", "Two.", after=first)

    history = claimed(asked("Three?", after=second).turn).request.history

    assert [each.content for each in history] == kept


def test_end_tells_what_wrote_the_reply_and_what_it_cost(settings: Settings) -> None:
    settings.CHAT_PRICES = {"gpt": (Decimal(1), Decimal(10))}
    accepted = asked("Why?")
    outcome = Outcome(
        model="gpt",
        usage=Usage(input_tokens=2_000, output_tokens=100, estimated=False),
        prompt_version="en/3",
        space="local/test",
        missed_calls=1,
    )

    turns.end(claimed(accepted.turn), outcome, "So.", last_event=3)

    reply = Message.objects.get(pk=accepted.message)
    assert (reply.model, reply.prompt_version, reply.space) == ("gpt", "en/3", "local/test")
    assert reply.missed_calls == 1
    assert reply.cost == Decimal("0.003")


def test_reply_of_a_model_without_a_price_has_no_cost() -> None:
    accepted = asked("Why?")
    usage = Usage(input_tokens=1, output_tokens=1, estimated=True)

    turns.end(claimed(accepted.turn), Outcome(model="mine", usage=usage), "So.", last_event=3)

    assert Message.objects.get(pk=accepted.message).cost is None


def test_revision_rises_with_every_stored_change() -> None:
    first = asked("One?")
    ended = turns.end(claimed(first.turn), DONE, "One.", last_event=3)
    second = asked("Two?", after=first)
    turns.end(claimed(second.turn), DONE, "Two.", last_event=3)
    again = conversations.accept_regenerate(ALICE, Regenerate(id=uuid4(), message=second.message))

    assert [first.rev, ended, second.rev, again.rev] == [1, 2, 3, 5]


def test_message_that_is_sent_again_keeps_its_revision() -> None:
    command = send("Why?")
    first = conversations.accept_send(ALICE, command)
    turns.end(claimed(first.turn), DONE, "Because.", last_event=3)

    again = conversations.accept_send(ALICE, command)

    assert again == replace(first, duplicate=True)


def test_id_that_is_a_replys_own_is_a_conflict() -> None:
    accepted = answered("Why?", "Because.")

    with pytest.raises(IdConflictError):
        conversations.accept_send(ALICE, replace(send("Why?"), id=accepted.message))


def test_conversation_with_a_running_turn_takes_no_other() -> None:
    accepted = asked()

    with pytest.raises(BusyError):
        conversations.accept_send(ALICE, send("And?", conversation=accepted.conversation))


def test_database_itself_allows_one_running_turn_a_conversation() -> None:
    turn = Turn.objects.get(pk=asked().turn)
    reply = Message.objects.create(
        conversation=turn.conversation,
        parent=turn.question,
        role="assistant",
        status="running",
        rev=1,
    )

    with pytest.raises(IntegrityError, match="turn_one_running_per_conversation"):
        Turn.objects.create(
            conversation=turn.conversation, question=turn.question, reply=reply, key=uuid4()
        )


def test_stop_of_a_turn_that_has_ended_does_nothing() -> None:
    accepted = answered("Why?", "Because.")

    assert conversations.request_stop(ALICE, Stop(turn=accepted.turn, send=None)) is None
    assert not Turn.objects.get(pk=accepted.turn).stop_requested


def test_stop_of_a_turn_of_another_is_not_found() -> None:
    accepted = asked()

    with pytest.raises(NotFoundError):
        conversations.request_stop(BOB, Stop(turn=accepted.turn, send=None))

    assert not Turn.objects.get(pk=accepted.turn).stop_requested
