"""Deleting an account: what goes, what stays, and who may not."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from psycopg.errors import ForeignKeyViolation

from chat import conversations
from chat.accounts.deletion import StaffError, delete_account
from chat.conversations import NotFoundError
from chat.models import Conversation, Message, Turn, Visitor
from chat.visitors import Identity, identity_of_session
from tests.integration.account_pages import (
    OTHER_PASSWORD,
    PASSWORD,
    account,
    browser,
    conversation,
    member,
    path,
    sign_in,
    titles,
)
from tests.integration.turn_rows import claimed, other_connection, send

pytestmark = pytest.mark.django_db

DELETE = path("delete")
NAME = "mei-of-the-north"


@pytest.fixture
def mei() -> Client:
    client = member(NAME)
    identity = identity_of_session(client.session)
    conversation(identity.visitor, "Of mine: biting")
    accepted = conversations.accept_send(identity, send("Of mine: a running turn"))
    claimed(accepted.turn)
    return client


def stored_words() -> str:
    """Everything in every table, but for the sessions, which are signed."""
    tables = [model for model in apps.get_models() if model is not Session]
    return repr([list(model._default_manager.values()) for model in tables])


def test_page_says_what_goes_before_anything_does(mei: Client) -> None:
    page = mei.get(DELETE).content.decode()

    assert "cannot be undone" in page
    assert "all your conversations" in page
    assert account(NAME)


def test_wrong_password_deletes_nothing(mei: Client) -> None:
    page = mei.post(DELETE, {"password": OTHER_PASSWORD}).content.decode()

    assert "That is not your password." in page
    assert titles(mei) == ["Of mine: a running turn", "Of mine: biting"]


def test_deletion_leaves_no_row_that_names_the_visitor(mei: Client) -> None:
    visitor = account(NAME).visitor.pk
    lan = member("lan")
    conversation(identity_of_session(lan.session).visitor, "Of another")

    response = mei.post(DELETE, {"password": PASSWORD})

    words = stored_words()
    assert response.headers["Location"] == "/accounts/deleted"
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert NAME not in words
    assert "Of mine" not in words
    assert str(visitor) not in words
    assert not Turn.objects.exists()
    assert titles(lan) == ["Of another"]


def test_page_in_the_end_confirms_and_the_browser_is_a_new_visitor(mei: Client) -> None:
    response = mei.post(DELETE, {"password": PASSWORD}, follow=True)

    assert "Your account is deleted" in response.content.decode()
    assert titles(mei) == []
    assert sign_in(browser(), NAME).status_code == 200


def test_other_browser_of_the_deleted_becomes_a_new_visitor(mei: Client) -> None:
    elsewhere = browser()
    sign_in(elsewhere, NAME)

    mei.post(DELETE, {"password": PASSWORD})

    assert elsewhere.get("/").status_code == 200
    assert "_auth_user_id" not in elsewhere.session


def test_question_that_comes_too_late_is_not_kept(mei: Client) -> None:
    identity = identity_of_session(mei.session)
    delete_account(account(NAME))

    with pytest.raises(NotFoundError):
        conversations.accept_send(identity, send("Too late"))

    assert not Visitor.objects.filter(pk=identity.visitor).exists()
    assert not Message.objects.exists()


@pytest.mark.parametrize("role", ["is_staff", "is_superuser"])
def test_staff_is_told_to_ask_an_administrator(role: str) -> None:
    user = User.objects.create_user("chen", password=PASSWORD)
    User.objects.update(**{role: True})
    user.refresh_from_db()
    client = browser()
    sign_in(client, "chen")

    page = client.post(DELETE, {"password": PASSWORD}).content.decode()

    assert "please ask an administrator" in page
    assert '<form method="post">' not in page
    assert User.objects.filter(pk=user.pk).exists()
    with pytest.raises(StaffError):
        delete_account(user)


def test_deletion_spares_conversations_of_anonymous_visitors(mei: Client) -> None:
    stranger = Identity(visitor=uuid4())
    conversation(stranger.visitor, "Of a stranger")

    mei.post(DELETE, {"password": PASSWORD})

    assert [row.title for row in Conversation.objects.all()] == ["Of a stranger"]


@pytest.mark.django_db(transaction=True)
def test_conversation_that_is_begun_at_the_same_moment_is_not_kept() -> None:
    user = User.objects.create_user(NAME)
    visitor = Visitor.objects.create(user=user)
    statement = (
        "INSERT INTO chat_conversation (id, visitor_id, title, rev, created_at, updated_at)"
        " VALUES (%s, %s, 'Of mine', 1, now(), now())"
    )

    with other_connection() as other:
        other.execute(statement, [uuid4(), visitor.pk])
        delete_account(user)
        with pytest.raises(ForeignKeyViolation):
            other.commit()

    assert not Conversation.objects.exists()
