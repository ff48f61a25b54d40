"""What the end of a turn stores, once, and for its owner only."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection
from pytest_django import Settings

from chat import conversations, turns
from chat.models import Conversation, Message, Turn
from chat.turn.events import Outcome, Usage
from tests.integration.turn_rows import (
    ALICE,
    DONE,
    OTHER_PROCESS,
    asked,
    claimed,
    let_lease_end,
    other_connection,
    until_somebody_waits_for_a_lock,
)

pytestmark = pytest.mark.django_db

REPLACE = "UPDATE chat_turn SET attempt = attempt + 1, owner = %s WHERE id = %s"


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


@pytest.mark.django_db(transaction=True)
def test_owner_who_is_replaced_at_the_last_moment_ends_nothing() -> None:
    accepted = asked()
    zombie = claimed(accepted.turn)

    def end() -> int | None:
        try:
            return turns.end(zombie, DONE, "Old.", last_event=9)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        with other_connection() as successor:
            successor.execute(REPLACE, [OTHER_PROCESS, accepted.turn])
            ended = thread.submit(end)
            until_somebody_waits_for_a_lock(successor)
        assert ended.result() is None

    assert Message.objects.get(pk=accepted.message).text == ""
    assert Conversation.objects.get(pk=accepted.conversation).rev == 1


def test_end_that_differs_from_the_stored_one_is_refused() -> None:
    accepted = asked()
    claim = claimed(accepted.turn)
    turns.end(claim, DONE, "Because.", last_event=9)

    assert turns.end(claim, replace(DONE, status="failed"), "Because.", last_event=9) is None


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
