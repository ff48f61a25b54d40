"""What visitors agree to before they may ask, where the operator wants it."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from chat import consents, conversations
from chat.commands import Regenerate
from chat.consents import ConsentRequiredError, OutdatedConsentError
from chat.models import Consent, Message
from chat.site_texts import current_text, save_text
from tests.chat_client import ChatClient, Visitor, new_id
from tests.databases import database_url, new_database
from tests.integration.turn_rows import ALICE, answered, send
from tests.serving import ChatServer

ADDRESS = "/api/consent"


@pytest.fixture
def required(settings: Settings, db: None) -> None:
    settings.CONSENT_REQUIRED = True


def agreed_text(locale: str = "en") -> str:
    return current_text("consent", locale).version


def changed_text(locale: str = "en") -> None:
    save_text(current_text("consent", locale), "Other words.", author=None)


def post(client: Client, facts: Any) -> Any:
    return client.post(ADDRESS, json.dumps(facts), content_type="application/json")


@pytest.mark.usefixtures("required")
def test_message_is_refused_until_the_visitor_agrees() -> None:
    with pytest.raises(ConsentRequiredError):
        conversations.accept_send(ALICE, send())
    assert not Message.objects.exists()

    consents.agree(ALICE, agreed_text())

    assert conversations.accept_send(ALICE, send())


@pytest.mark.usefixtures("required")
def test_message_that_was_accepted_stays_accepted() -> None:
    command = send()
    consents.agree(ALICE, agreed_text())
    conversations.accept_send(ALICE, command)

    consents.withdraw(ALICE)

    assert conversations.accept_send(ALICE, command).duplicate
    with pytest.raises(ConsentRequiredError):
        conversations.accept_send(ALICE, send())


@pytest.mark.usefixtures("required")
def test_reply_is_not_written_anew_without_consent() -> None:
    consents.agree(ALICE, agreed_text())
    accepted = answered("Why?", "Because.")
    consents.withdraw(ALICE)

    with pytest.raises(ConsentRequiredError):
        conversations.accept_regenerate(ALICE, Regenerate(id=uuid4(), message=accepted.message))


def test_consent_in_another_form_than_json_is_refused(db: None, client: Client) -> None:
    assert client.post(ADDRESS, {"version": agreed_text()}).status_code == 415


@pytest.mark.usefixtures("required")
def test_changed_text_asks_again_and_another_language_does_not() -> None:
    consents.agree(ALICE, agreed_text())

    changed_text("zh-hans")
    assert not consents.required_of(ALICE)
    changed_text("en")

    assert consents.required_of(ALICE)


@pytest.mark.usefixtures("required")
def test_nobody_agrees_to_a_text_that_is_not_in_use() -> None:
    old = agreed_text()
    changed_text()

    with pytest.raises(OutdatedConsentError):
        consents.agree(ALICE, old)

    assert not Consent.objects.exists()


@pytest.mark.usefixtures("required")
def test_what_was_agreed_to_and_when_it_ended_is_kept() -> None:
    consents.agree(ALICE, agreed_text())
    consents.agree(ALICE, agreed_text())
    consents.withdraw(ALICE)
    consents.agree(ALICE, agreed_text())

    kept = Consent.objects.order_by("agreed_at")

    assert [each.version for each in kept] == [agreed_text()] * 2
    assert [each.withdrawn_at is None for each in kept] == [False, True]


@pytest.mark.django_db
def test_nothing_is_asked_where_the_operator_wants_nothing() -> None:
    assert conversations.accept_send(ALICE, send())


@pytest.mark.usefixtures("required")
def test_outdated_version_is_answered_with_the_text_in_use(client: Client) -> None:
    old = agreed_text()
    changed_text()

    refused = post(client, {"version": old})

    assert refused.status_code == 409
    assert refused.json()["version"] == agreed_text()
    assert refused.json()["html"] == "<p>Other words.</p>\n"


@pytest.mark.usefixtures("required")
def test_agreeing_and_withdrawing_are_told(client: Client) -> None:
    client.get("/")
    assert client.get(ADDRESS).json()["required"] is True

    assert post(client, {"version": agreed_text()}).status_code == 204
    assert client.get(ADDRESS).json()["required"] is False
    assert client.delete(ADDRESS).status_code == 204

    assert client.get(ADDRESS).json()["required"] is True


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("body", ["", "[]", '{"version": 7}', "{}", "x" * 2000])
def test_agreement_that_cannot_be_read_is_refused(client: Client, body: str) -> None:
    refused = client.post(ADDRESS, body, content_type="application/json")

    assert refused.status_code == 400
    assert refused.json()["error"]["code"]


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_no_other_page_agrees_for_the_visitor(method: str) -> None:
    client = Client(enforce_csrf_checks=True)

    refused = client.generic(method, ADDRESS, json.dumps({"version": agreed_text()}))

    assert refused.status_code == 403


@pytest.fixture(scope="module")
def strict_server(knowledge: str) -> Iterator[ChatServer]:
    with new_database(knowledge) as name:
        settings = {"DATABASE_URL": database_url(name), "CONSENT_REQUIRED": "true"}
        with ChatServer(settings=settings) as server:
            yield server


async def test_socket_refuses_a_message_without_consent(strict_server: ChatServer) -> None:
    async with ChatClient(await Visitor.arrive(strict_server)) as client:
        command = {"type": "send", "id": new_id(), "conversation": new_id(), "text": "Hello?"}

        assert await client.error(command) == "consent_required"
