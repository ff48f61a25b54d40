"""What was deleted is removed for good, by whichever process comes first."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from chat import conversation_changes, sharing, turns
from chat.conversation_changes import REMOVED_AT_ONCE, RESTORABLE, remove_deleted
from chat.conversations import NotFoundError
from chat.models import Conversation, Feedback, Message, SharedCopy, Turn
from tests.chat_client import ChatClient, Visitor
from tests.databases import database_url, rows
from tests.integration.turn_rows import (
    ALICE,
    DONE,
    answered,
    asked,
    claimed,
    other_connection,
)
from tests.page_requests import conversation_path, request
from tests.serving import ChatServer


def deleted(conversation: UUID, *, ago: timedelta) -> UUID:
    conversation_changes.delete(ALICE, conversation)
    long_ago = timezone.now() - ago
    Conversation.objects.filter(pk=conversation).update(deleted_at=long_ago)
    return conversation


@pytest.mark.django_db
def test_nothing_is_left_of_what_was_deleted_long_ago() -> None:
    accepted = answered("Why?", "Because.")
    answered("And how?", "So.", after=accepted)
    Feedback.objects.create(message_id=accepted.message, value="up")
    sharing.share(ALICE, accepted.conversation)
    kept = answered("What else?", "This.")
    deleted(accepted.conversation, ago=RESTORABLE + timedelta(seconds=5))

    assert remove_deleted() == 1

    assert [each.pk for each in Conversation.objects.all()] == [kept.conversation]
    assert Message.objects.count() == 2
    assert Turn.objects.count() == 1
    assert not Feedback.objects.exists()
    assert not SharedCopy.objects.exists()


@pytest.mark.django_db
def test_what_was_deleted_a_moment_ago_can_be_restored() -> None:
    talk = deleted(answered("Why?", "Because.").conversation, ago=RESTORABLE - timedelta(seconds=5))

    assert remove_deleted() == 0

    assert conversation_changes.restore(ALICE, talk).id == talk


@pytest.mark.django_db
def test_what_was_removed_cannot_be_restored() -> None:
    talk = deleted(answered("Why?", "Because.").conversation, ago=2 * RESTORABLE)
    remove_deleted()

    with pytest.raises(NotFoundError):
        conversation_changes.restore(ALICE, talk)


@pytest.mark.django_db
def test_conversation_whose_turn_still_runs_is_removed_after_it() -> None:
    accepted = asked()
    claim = claimed(accepted.turn)
    deleted(accepted.conversation, ago=2 * RESTORABLE)

    before = remove_deleted()
    turns.end(claim, DONE, "Because.", last_event=3)

    assert (before, remove_deleted()) == (0, 1)


@pytest.mark.django_db
def test_end_of_a_turn_raises_no_revision_of_what_is_deleted() -> None:
    accepted = asked()
    claim = claimed(accepted.turn)
    deletion = conversation_changes.delete(ALICE, accepted.conversation)

    assert turns.end(claim, DONE, "Because.", last_event=3) == deletion.rev

    assert (deletion.rev, deletion.running) == (accepted.rev + 1, accepted.turn)


@pytest.mark.django_db
def test_end_of_a_turn_that_was_removed_is_stored_nowhere() -> None:
    accepted = asked()
    claim = claimed(accepted.turn)
    Conversation.objects.filter(pk=accepted.conversation).delete()

    assert turns.end(claim, DONE, "Because.", last_event=3) is None


@pytest.mark.django_db(transaction=True)
def test_rows_that_another_process_is_at_are_left_to_it() -> None:
    talk = deleted(answered("Why?", "Because.").conversation, ago=2 * RESTORABLE)

    with other_connection() as other:
        other.execute("SELECT 1 FROM chat_conversation WHERE id = %s FOR UPDATE", [talk])
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'")
            meanwhile = remove_deleted()

    assert (meanwhile, remove_deleted()) == (0, 1)


@pytest.mark.django_db
def test_removing_goes_on_until_nothing_is_left() -> None:
    for _ in range(2 * REMOVED_AT_ONCE + 1):
        deleted(answered("Why?", "Because.").conversation, ago=2 * RESTORABLE)

    assert remove_deleted() == 2 * REMOVED_AT_ONCE + 1

    assert not Conversation.objects.exists()


async def test_server_removes_by_itself(database: str) -> None:
    with ChatServer(settings={"DATABASE_URL": database_url(database)}) as server:
        alice = await Visitor.arrive(server)
        async with ChatClient(alice) as client:
            gone, kept = [await client.send(text) for text in ("Is this gone?", "Is this kept?")]
            for accepted in (gone, kept):
                await client.end_of(accepted["turn"])
                await request(alice, "DELETE", conversation_path(accepted["conversation"]))
        long_ago = (
            "UPDATE chat_conversation SET deleted_at = now() - interval '11 min' WHERE id = %s"
        )
        rows(database, f"{long_ago} RETURNING 1", gone["conversation"])

        server.restart()
        server.wait_for_log("deleted conversations removed: 1")

    left = rows(database, "SELECT id::text FROM chat_conversation")
    assert left == [(kept["conversation"],)]
