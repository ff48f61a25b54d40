"""The list of a visitor's conversations: what a search finds, and how it goes on."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from chat import conversation_changes
from chat.commands import CommandError
from chat.conversation_list import LISTED_CONVERSATIONS, MAX_SEARCH, listed
from chat.conversations import NotFoundError
from chat.models import Conversation, Visitor
from chat.visitors import Identity
from tests.integration.turn_rows import ALICE, LONG_AGO, answered

pytestmark = pytest.mark.django_db

BOB = Identity(visitor=UUID(int=2))


def found(search: str, identity: Identity = ALICE) -> list[UUID]:
    return [entry.id for entry in listed(identity, search=search)]


@pytest.mark.parametrize(
    "search",
    ["melatonin", "MELATONIN", "won't", "Bedtime melatonin", "sleep  the", "入睡", "12%", "_a\\b"],
)
def test_words_are_found_in_titles_and_messages(search: str) -> None:
    answered("Something else?", "No.")
    talk = answered("He won't sleep. 孩子晚上不入睡怎么办？", "Bedtime, 12% _a\\b. The Melatonin…")

    assert found(search) == [talk.conversation]


@pytest.mark.parametrize("search", ["melatonine", "sleep rice", "1_%", "睡入"])
def test_other_words_are_not_found(search: str) -> None:
    answered("He won't sleep. 孩子晚上不入睡怎么办？", "Bedtime, 12%. Melatonin…")

    assert found(search) == []


def test_new_title_is_found() -> None:
    talk = answered("Why?", "Because.").conversation
    conversation_changes.rename(ALICE, talk, "睡眠")

    assert found("睡眠") == [talk]


def test_conversation_with_many_hits_is_found_once() -> None:
    first = answered("Sleep?", "Sleep!")
    answered("More sleep?", "Much sleep!", after=first)

    assert found("sleep") == [first.conversation]


def test_nobody_finds_what_is_not_theirs_or_deleted() -> None:
    talk = answered("Sleep?", "Sleep!").conversation
    conversation_changes.delete(ALICE, answered("No sleep?", "No!").conversation)

    assert (found("sleep"), found("sleep", BOB)) == ([talk], [])


def test_search_that_is_too_long_is_refused() -> None:
    with pytest.raises(CommandError, match="too_long"):
        found("x" * (MAX_SEARCH + 1))


def test_pages_hold_every_conversation_once() -> None:
    visitor = Visitor.objects.create(pk=ALICE.visitor)
    number = 2 * LISTED_CONVERSATIONS + 3
    rows = [  # neighbours share a moment, which must not make a page skip or repeat one
        Conversation(visitor=visitor, title=str(n), updated_at=LONG_AGO + timedelta(days=n // 3))
        for n in range(number)
    ]
    Conversation.objects.bulk_create(rows)

    pages = [listed(ALICE)]
    while len(pages[-1]) == LISTED_CONVERSATIONS:
        pages.append(listed(ALICE, before=pages[-1][-1].id))

    told = [entry for page in pages for entry in page]
    assert {entry.id for entry in told} == {row.pk for row in rows}
    assert len(told) == number
    assert [entry.at for entry in told] == sorted((row.updated_at for row in rows), reverse=True)


def test_list_goes_on_after_one_that_was_deleted_meanwhile() -> None:
    earlier, later = answered("One?", "One."), answered("Two?", "Two.")
    conversation_changes.delete(ALICE, later.conversation)

    assert [each.id for each in listed(ALICE, before=later.conversation)] == [earlier.conversation]


def test_list_goes_on_after_ones_own_only() -> None:
    talk = answered("One?", "One.").conversation

    for identity, before in ((BOB, talk), (ALICE, uuid4())):
        with pytest.raises(NotFoundError):
            listed(identity, before=before)
