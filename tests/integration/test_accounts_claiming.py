"""Conversations from before signing in: they move when somebody says so, and only then."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chat import conversations
from chat.accounts import claiming
from chat.models import Consent, Conversation, Turn, Visitor
from chat.sessions import SessionEndedError, open_session
from chat.visitors import COOKIE, Identity
from tests.integration.account_pages import (
    OUT,
    account,
    browser,
    conversation,
    member,
    path,
    sign_in,
    sign_up,
    titles,
    visitor_of,
)
from tests.integration.turn_rows import claimed, send

pytestmark = pytest.mark.django_db

CLAIM = path("claim")


@pytest.fixture
def phone() -> Client:
    """It has two conversations, and one that was deleted and may yet be brought back."""
    client = browser()
    visitor = visitor_of(client)
    for title in ("Biting", "Sleep"):
        conversation(visitor, title)
    Conversation.objects.filter(pk=conversation(visitor, "Gone").pk).update(
        deleted_at=timezone.now()
    )
    return client


def take(client: Client) -> None:
    client.post(CLAIM, {"choice": "take"})


def leave(client: Client) -> None:
    client.post(CLAIM, {"choice": "leave"})


def test_whoever_signs_up_or_in_is_asked_with_the_number(phone: Client) -> None:
    asked = sign_up(phone, "mei", next="/c/x")
    page = phone.get(asked.headers["Location"]).content.decode()

    assert asked.headers["Location"] == "/accounts/claim?next=%2Fc%2Fx"
    assert "This browser has 2 conversations from before." in page
    assert 'name="next" value="/c/x"' in page


def test_nothing_moves_without_a_word(phone: Client) -> None:
    sign_up(phone, "mei")
    phone.get(CLAIM)

    assert titles(phone) == []
    assert "2 conversations from before" in phone.get(path("")).content.decode()


def test_what_is_taken_is_the_account_s_and_the_browser_s_no_more(phone: Client) -> None:
    before = visitor_of(phone)
    sign_up(phone, "mei")

    answer = phone.post(CLAIM, {"choice": "take", "next": "/c/x"})

    assert answer.headers["Location"] == "/c/x"
    assert phone.get("/").status_code == 200
    assert titles(phone) == ["Biting", "Sleep"]
    assert Conversation.objects.filter(visitor__user=account("mei")).count() == 3
    assert not Visitor.objects.filter(pk=before).exists()
    phone.post(path(OUT))
    phone.get("/")
    assert titles(phone) == []
    assert visitor_of(phone) != before


def test_what_is_left_is_the_browser_s_again_after_signing_out(phone: Client) -> None:
    sign_up(phone, "mei")
    leave(phone)
    assert titles(phone) == []

    phone.post(path(OUT))

    assert titles(phone) == ["Biting", "Sleep"]


def test_what_is_left_is_the_browser_s_again_after_a_new_password_elsewhere(phone: Client) -> None:
    sign_up(phone, "mei")
    leave(phone)

    mei = account("mei")
    mei.set_password("other words than those")
    mei.save()
    with pytest.raises(SessionEndedError):  # the socket of a page that stood open
        open_session(phone.cookies[COOKIE].value)
    phone.get("/")

    assert "_auth_user_id" not in phone.session
    assert titles(phone) == ["Biting", "Sleep"]


def test_second_person_at_a_browser_sees_nothing_of_the_first(phone: Client) -> None:
    sign_up(phone, "mei")
    take(phone)
    phone.post(path(OUT))

    asked = sign_up(phone, "lan")

    assert asked.headers["Location"] == "/"
    assert titles(phone) == []
    assert phone.get(CLAIM).headers["Location"] == "/"


def test_taking_twice_changes_nothing_more(phone: Client) -> None:
    sign_up(phone, "mei")
    take(phone)
    take(phone)

    assert titles(phone) == ["Biting", "Sleep"]


def test_t29_conversations_of_another_session_cannot_be_taken(phone: Client) -> None:
    thief = member("eve")

    fields = {"choice": "take", "visitor": str(visitor_of(phone)), "session": "x"}
    thief.post(CLAIM, fields)

    assert titles(thief) == []
    assert titles(phone) == ["Biting", "Sleep"]


def test_conversations_of_an_account_cannot_be_taken_through_a_session() -> None:
    mei, eve = member("mei"), member("eve")
    titles(mei)
    conversation(account("mei").visitor.pk, "Biting")
    session = eve.session
    session["visitor"] = str(account("mei").visitor.pk)
    session.save()

    assert eve.get(CLAIM).status_code == 302
    take(eve)

    assert (titles(mei), titles(eve)) == (["Biting"], [])


def test_running_turn_goes_on_and_ends_in_the_account(phone: Client) -> None:
    visitor = visitor_of(phone)
    anonymous = Identity(visitor=visitor)
    accepted = conversations.accept_send(anonymous, send("Still there?"))
    claim = claimed(accepted.turn)
    sign_up(phone, "mei")

    take(phone)

    turn = Turn.objects.get(pk=claim.turn)
    assert (turn.status, turn.attempt) == ("running", claim.attempt)
    assert turn.conversation.visitor.user == account("mei")


def test_whatever_hangs_on_a_visitor_is_moved_or_dropped_on_purpose() -> None:
    """A new relation belongs into claiming, and into this list."""
    assert {each.name for each in Visitor._meta.related_objects} == {"conversations", "consents"}


def test_what_the_visitor_agreed_to_counts_for_the_account_once(phone: Client) -> None:
    anonymous = Visitor.objects.get(pk=visitor_of(phone))
    user = User.objects.create_user("mei")
    mine = Visitor.objects.create(user=user)
    for visitor, version in ((anonymous, "a"), (anonymous, "b"), (mine, "a")):
        Consent.objects.create(visitor=visitor, version=version)

    claiming.claim(phone.session, Identity(visitor=mine.pk, user=user.pk, name="mei"))

    given = Consent.objects.values_list("visitor", "version").order_by("version")
    assert list(given) == [(mine.pk, "a"), (mine.pk, "b")]


def test_forged_note_in_a_session_is_nobody() -> None:
    client = member("mei")
    session = client.session
    session["visitor"] = "' OR 1=1 --"
    session.save()

    assert client.get(CLAIM).status_code == 302
    assert Visitor.objects.filter(pk=uuid4()).count() == 0


def test_signing_in_again_asks_again_about_what_was_left(phone: Client) -> None:
    sign_up(phone, "mei")
    leave(phone)
    phone.post(path(OUT))

    asked = sign_in(phone, "mei")

    assert asked.headers["Location"].startswith(CLAIM)
