"""Reading conversations in the admin: everything is shown, nothing can be changed."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from chat.models import Conversation, Feedback, Message, Turn, Visitor
from tests.integration.curating import SLEEP, XSS, shown, staff, stored, superuser

pytestmark = pytest.mark.django_db

CONVERSATIONS = "/admin/chat/conversation/"
MESSAGES = "/admin/chat/message/"
TURNS = "/admin/chat/turn/"
FEEDBACK = "/admin/chat/feedback/"
REPLY = "Begin with a firm evening routine."


@pytest.fixture
def alice() -> Client:
    return superuser("alice")


@pytest.fixture
def bob() -> Client:
    """May look at everything that visitors leave, and no more."""
    names = ("view_conversation", "view_message", "view_turn", "view_feedback")
    return staff("bob", *names)


def conversation(question: str = SLEEP, reply: str = REPLY, **columns: Any) -> Conversation:
    """One question and its reply, whose columns may be given."""
    row = Conversation.objects.create(visitor=Visitor.objects.create(), title=question[:60])
    asked = row.messages.create(role="user", status="done", text=question, rev=1)
    columns = {"status": "done", "finish": "stop", "grounding": "answer", **columns}
    replied = row.messages.create(role="assistant", parent=asked, text=reply, rev=1, **columns)
    times = {"status": "done", "ended_at": replied.created_at}
    Turn.objects.create(conversation=row, key=uuid4(), question=asked, reply=replied, **times)
    return row


def reply_of(row: Conversation) -> Message:
    return row.messages.get(role="assistant")


def test_list_shows_visitor_title_and_number_of_messages(bob: Client) -> None:
    row = conversation()
    Visitor.objects.update(user=User.objects.create_user("grace"))

    page = shown(bob, CONVERSATIONS)

    assert SLEEP in page
    assert "grace" in page
    assert 'field-message_count">2<' in page
    assert f"{CONVERSATIONS}{row.pk}/change/" in page


@pytest.mark.parametrize("path", [CONVERSATIONS, MESSAGES, TURNS, FEEDBACK])
def test_what_its_visitor_deleted_is_in_no_list(bob: Client, path: str) -> None:
    row = conversation("I take this back.", "I take this back.")
    Feedback.objects.create(message=reply_of(row), value="up", comment="I take this back.")
    before = shown(bob, path)
    row.deleted_at = row.created_at
    row.save()

    after = shown(bob, path)

    assert "I take this back." in before
    assert "I take this back." not in after


def test_what_its_visitor_deleted_cannot_be_opened(bob: Client) -> None:
    row = conversation()
    row.deleted_at = row.created_at
    row.save()

    assert bob.get(f"{CONVERSATIONS}{row.pk}/change/").status_code == 302


def test_anonymous_visitors_are_told_apart(bob: Client) -> None:
    row = conversation()

    assert f"anonymous {str(row.visitor_id)[:8]}" in shown(bob, CONVERSATIONS)


def test_detail_shows_the_messages_in_order_with_what_is_known_of_them(bob: Client) -> None:
    answer = stored(SLEEP)
    source = {"answer": str(answer.uid), "version": 3, "title": "About sleep", "expert": "Dr. Lin"}
    row = conversation(sources=[source], notice_wanted=True)
    Feedback.objects.create(message=reply_of(row), value="up")

    page = shown(bob, f"{CONVERSATIONS}{row.pk}/change/")

    assert page.index(SLEEP) < page.index(REPLY)
    for fact in ("finish: stop", "grounding: answer", "About sleep", "version 3, Dr. Lin"):
        assert fact in page
    assert "feedback: up" in page
    assert f"?uid={answer.uid}" in page


SPENT: dict[str, Any] = {
    "usage": {"input_tokens": 1200, "output_tokens": 80, "estimated": False},
    "cost": Decimal("0.00022800"),
    "model": "gpt-4o-mini",
    "prompt_version": "en/3",
    "space": "local/e5-small/384",
}
GUESSED: dict[str, Any] = {"usage": {"input_tokens": 300, "output_tokens": 20, "estimated": True}}


def test_message_shows_what_wrote_it_and_what_it_cost(bob: Client) -> None:
    reply = reply_of(conversation(**SPENT, missed_calls=2))

    pages = [shown(bob, f"{MESSAGES}{reply.pk}/change/"), shown(bob, MESSAGES)]

    for page in pages:
        assert "1200 in, 80 out" in page
        assert "0.000228 USD" in page
    assert all(fact in pages[0] for fact in ("gpt-4o-mini", "en/3", "local/e5-small/384"))
    assert 'field-missed_calls">2<' in pages[1]


def test_estimated_tokens_are_marked_and_an_unknown_cost_is_left_out(bob: Client) -> None:
    reply = reply_of(conversation(**GUESSED))

    page = shown(bob, f"{MESSAGES}{reply.pk}/change/")

    assert "300 in, 20 out (estimated)" in page
    assert "USD" not in page


def test_conversation_adds_up_its_replies(bob: Client) -> None:
    row = conversation(**SPENT)
    asked = row.messages.get(role="user")
    row.messages.create(role="assistant", parent=asked, rev=2, status="done", **SPENT)
    row.messages.create(role="assistant", parent=asked, rev=3, status="done", **GUESSED)

    for page in (shown(bob, CONVERSATIONS), shown(bob, f"{CONVERSATIONS}{row.pk}/change/")):
        assert "2700 in, 180 out (estimated)" in page
        assert "0.000456 USD" in page


@pytest.mark.parametrize("column", [4, 5])
def test_conversations_without_a_cost_are_the_cheapest(bob: Client, column: int) -> None:
    conversation("Cheap?")
    conversation("Dear?", **SPENT)

    page = shown(bob, f"{CONVERSATIONS}?o=-{column}")

    assert page.index("Dear?") < page.index("Cheap?")


def test_source_leads_to_its_answer(alice: Client) -> None:
    answer = stored(SLEEP)
    other = stored("Another question?")

    page = shown(alice, f"/admin/knowledge/answer/?uid={answer.uid}")

    assert f"/answer/{answer.pk}/change/" in page
    assert f"/answer/{other.pk}/change/" not in page


@pytest.mark.parametrize(
    ("query", "columns"),
    [("unanswered=yes", {"finish": "no_answer"}), ("notice=yes", {"notice_wanted": True})],
)
def test_conversations_are_filtered_by_their_replies(
    bob: Client, query: str, columns: dict[str, Any]
) -> None:
    conversation("Chosen?", **columns)
    conversation("Other?")

    page = shown(bob, f"{CONVERSATIONS}?{query}")

    assert "Chosen?" in page
    assert "Other?" not in page


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("unanswered=yes", {"finish": "no_answer"}),
        ("notice_wanted__exact=1", {"notice_wanted": True}),
        ("missed=yes", {"missed_calls": 1}),
    ],
)
def test_messages_are_filtered_and_shown_with_their_questions(
    bob: Client, query: str, columns: dict[str, Any]
) -> None:
    conversation("Chosen?", **columns)
    conversation("Other?")

    page = shown(bob, f"{MESSAGES}?{query}")

    assert "Chosen?" in page
    assert "Other?" not in page


def test_feedback_is_filtered_by_value(bob: Client) -> None:
    for question, value in (("Chosen?", "down"), ("Other?", "up")):
        Feedback.objects.create(message=reply_of(conversation(question)), value=value)

    page = shown(bob, f"{FEEDBACK}?value=down")

    assert "Chosen?" in page
    assert "Other?" not in page


def everything(row: Conversation) -> list[str]:
    """The address of each row that a conversation is made of."""
    reply = reply_of(row)
    feedback = Feedback.objects.create(message=reply, value="down", comment=XSS)
    return [
        f"{CONVERSATIONS}{row.pk}/",
        f"{MESSAGES}{reply.pk}/",
        f"{TURNS}{reply.turn.pk}/",
        f"{FEEDBACK}{feedback.pk}/",
    ]


def test_nothing_can_be_changed_or_deleted(alice: Client) -> None:
    paths = everything(conversation())

    tried = [alice.post(f"{path}change/", {"title": "x", "text": "x"}) for path in paths]
    tried += [alice.post(f"{path}delete/", {"post": "yes"}) for path in paths]

    assert {response.status_code for response in tried} == {403}
    assert Message.objects.filter(text__in=[SLEEP, REPLY]).count() == 2


@pytest.mark.parametrize("path", [CONVERSATIONS, MESSAGES, TURNS, FEEDBACK])
def test_nothing_can_be_added_or_deleted_from_a_list(alice: Client, path: str) -> None:
    row = conversation()

    deletion = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    alice.post(path, deletion)

    assert alice.post(f"{path}add/").status_code == 403
    assert Conversation.objects.exists()


def test_t40_markup_is_shown_as_text(alice: Client) -> None:
    source = {"answer": XSS, "version": XSS, "title": XSS, "expert": XSS}
    row = conversation(XSS, XSS, sources=[source], model=XSS, suggestions=[XSS])
    paths = [f"{path}change/" for path in everything(row)]

    pages = [shown(alice, path) for path in [*paths, CONVERSATIONS, MESSAGES, TURNS, FEEDBACK]]

    assert all("&lt;script&gt;" in page for page in pages)
    assert not any("<script>alert" in page or "<img src=x" in page for page in pages)


@pytest.mark.parametrize(
    "query", ["visitor__user__password__startswith=p", "title=%00", "q=" + "x" * 201]
)
def test_a05_list_refuses_what_it_does_not_offer(alice: Client, query: str) -> None:
    assert alice.get(f"{CONVERSATIONS}?{query}").status_code == 400


@pytest.mark.parametrize("path", [CONVERSATIONS, MESSAGES, TURNS, FEEDBACK])
def test_staff_without_permission_sees_nothing(path: str) -> None:
    assert staff("charlie").get(path).status_code == 403


@pytest.mark.parametrize("path", [CONVERSATIONS, MESSAGES, TURNS, FEEDBACK])
def test_lists_take_the_same_queries_for_any_number_of_rows(
    bob: Client, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(6):
        Feedback.objects.create(message=reply_of(conversation(f"{number}?")), value="up")

    with django_assert_max_num_queries(8):
        shown(bob, path)
