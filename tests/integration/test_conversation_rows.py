"""What a conversation takes from visitors, and the history that it gives to a turn."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError
from pytest_django import Settings

from chat import conversations, turns, wire_format
from chat.commands import Regenerate, Stop, Subscribe
from chat.conversations import BusyError, IdConflictError, NotFoundError
from chat.delta_log.bells import Changed
from chat.models import Conversation, Message, Turn
from chat.outbox import MUCH_BYTES
from chat.visitors import Identity
from chat.wire_format import Accepted
from tests.integration.turn_rows import ALICE, DONE, answered, asked, claimed, send

pytestmark = pytest.mark.django_db

BOB = Identity(visitor=UUID(int=2))
LONG_REPLY = "孩子撞头的时候先护住头，再看看是什么让他难受。“安静的角落”会有帮助。\n\n" * 25
REPLIES = 12
"""Of LONG_REPLY: more than one sync holds."""


@pytest.fixture
def long_talk() -> Accepted:
    """The last of its messages."""
    accepted = answered("0?", LONG_REPLY)
    for number in range(1, REPLIES):
        accepted = answered(f"{number}?", LONG_REPLY, after=accepted)
    return accepted


def test_revisions_tell_of_the_conversations_that_there_are() -> None:
    accepted = answered("Why?", "Because.")

    told = turns.revisions([accepted.conversation, uuid4()])

    assert told == [Changed(conversation=accepted.conversation, rev=2)]


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


def test_sync_of_a_long_conversation_needs_no_more_than_it_has_credit_for(
    long_talk: Accepted,
) -> None:
    Conversation.objects.update(title='"' * 120)

    view = conversations.whole(ALICE, long_talk.conversation)

    assert MUCH_BYTES / 2 < len(wire_format.sync(view).encode()) < MUCH_BYTES
    assert view.messages[-1].id == long_talk.message


def test_message_that_is_larger_than_a_sync_is_told_alone() -> None:
    accepted = answered("Everything?", "长" * MUCH_BYTES)

    view = conversations.whole(ALICE, accepted.conversation)

    assert [message.id for message in view.messages] == [accepted.message]


def test_messages_before_those_of_a_sync_are_had_page_by_page(long_talk: Accepted) -> None:
    told = list(conversations.whole(ALICE, long_talk.conversation).messages)

    while earlier := conversations.earlier_messages(
        ALICE, long_talk.conversation, before=told[0].id
    ):
        told[:0] = earlier

    by_age = Message.objects.order_by("created_at").values_list("pk", flat=True)
    assert [message.id for message in told] == list(by_age)


def test_changes_that_one_sync_holds_are_told_alone(long_talk: Accepted) -> None:
    seen = Subscribe(conversation=long_talk.conversation, rev=long_talk.rev - 1, turn=None)

    view = conversations.view(ALICE, seen)

    assert not view.full
    assert [message.id for message in view.messages][1:] == [long_talk.message]


def test_more_changes_than_one_sync_holds_are_told_as_the_newest_of_all(
    long_talk: Accepted,
) -> None:
    seen = Subscribe(conversation=long_talk.conversation, rev=2, turn=None)

    view = conversations.view(ALICE, seen)

    assert view == conversations.whole(ALICE, long_talk.conversation)
    assert view.full
    assert len(view.messages) < 2 * REPLIES
