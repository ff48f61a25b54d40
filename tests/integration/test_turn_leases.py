"""Who holds a turn, for how long, and what it may write meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from chat import conversations, turns
from chat.commands import Stop
from chat.models import Message, Turn
from chat.turn.cursor import Cursor
from chat.turn.durable_rounds import DurableRound
from chat.turn.events import TextDelta
from chat.turn.language_model import RoundFinished, RoundUsage, ToolCallDelta
from chat.turn_requests import turn_request
from chat.turns import Claim, Progress, Stored
from chat.visitors import hashed
from tests.integration.turn_rows import (
    ALICE,
    LEASE_SECONDS,
    LONG_AGO,
    OTHER_PROCESS,
    THIS_PROCESS,
    answered,
    asked,
    claimed,
    keep,
    let_lease_end,
    other_connection,
)

pytestmark = pytest.mark.django_db

ROUND = DurableRound(
    request="digest",
    events=(
        TextDelta(text="让我看看。"),
        ToolCallDelta(index=0, id="call_1", name="search", arguments='{"question": "?"}'),
        RoundUsage(input_tokens=3, output_tokens=2),
        RoundFinished(reason="tool_calls", reasoning="Hm."),
    ),
)


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
