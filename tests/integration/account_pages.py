"""Browsers in front of the pages of accounts, and the conversations that they leave."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.models import User
from django.test import Client

from chat.conversation_list import listed
from chat.models import Conversation, Feedback, Visitor
from chat.visitors import identity_of_session

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

PASSWORD = "correct horse battery staple"
OTHER_PASSWORD = "mornings are for pancakes"
IN, UP, OUT, ACCOUNT = "sign-in", "sign-up", "sign-out", ""


def path(page: str) -> str:
    return f"/accounts/{page}"


def browser() -> Client:
    """One that has opened the chat page."""
    client = Client()
    assert client.get("/").status_code == 200
    return client


def sign_up(client: Client, name: str, **fields: str) -> "Response":
    entries = {"username": name, "password1": PASSWORD, "password2": PASSWORD, **fields}
    return client.post(path(UP), entries)


def sign_in(client: Client, name: str, password: str = PASSWORD, **fields: str) -> "Response":
    return client.post(path(IN), {"username": name, "password": password, **fields})


def member(name: str) -> Client:
    """Somebody who has just signed up."""
    client = browser()
    assert sign_up(client, name).status_code == 302
    return client


def account(name: str) -> User:
    return User.objects.get(username=name)


def visitor_of(client: Client) -> UUID:
    """Whom the browser's anonymous session knows."""
    return UUID(client.session["visitor"])


def conversation(visitor: UUID, title: str) -> Conversation:
    """With a question, a reply and a thumb."""
    row = Conversation.objects.create(
        visitor=Visitor.objects.get_or_create(pk=visitor)[0], title=title
    )
    asked = row.messages.create(role="user", status="done", text=title, rev=1)
    reply = row.messages.create(
        role="assistant", status="done", parent=asked, text=f"To {title}", rev=1
    )
    Feedback.objects.create(message=reply, value="up")
    return row


def titles(client: Client) -> list[str]:
    """Of the conversations that the browser is shown."""
    return sorted(each.title for each in listed(identity_of_session(client.session)))
