"""Answers that somebody may have tampered with, in the admin: nobody publishes them unread."""

import pytest
from django.test import Client

from knowledge import publishing, wiring
from knowledge.models import Answer
from tests.integration.curating import (
    HAIRCUT,
    LIST,
    SLEEP,
    found,
    run,
    save,
    shown,
    silent_embedder,
    stored,
    superuser,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Client:
    return superuser("alice")


@pytest.fixture
def odd() -> Answer:
    return stored(SLEEP, publish=False, suspicious="invisible,instructions")


def test_list_publishes_the_others_and_names_the_suspicious(alice: Client, odd: Answer) -> None:
    page = run(alice, "publish", odd, stored(HAIRCUT, publish=False))

    assert "1 answer is now published" in page
    assert "must be read first" in page
    assert [answer.status for answer in Answer.objects.order_by("pk")] == ["draft", "published"]
    assert "Published" not in shown(alice, f"{LIST}{odd.pk}/history/")


def test_form_says_why_and_publishes_what_was_read(alice: Client, odd: Answer) -> None:
    page = shown(alice, f"{LIST}{odd.pk}/change/")
    assert "invisible characters" in page
    assert "give it orders" in page

    save(alice, odd, _publish="1")

    odd.refresh_from_db()
    assert (odd.status, odd.suspicious) == ("published", "")
    assert found(SLEEP)[0].exact
    assert "tampered" not in shown(alice, f"{LIST}{odd.pk}/change/")


def test_answer_that_is_only_edited_stays_suspicious(alice: Client, odd: Answer) -> None:
    save(alice, odd, topic="sleep")

    odd.refresh_from_db()
    assert (odd.topic, odd.suspicious) == ("sleep", "invisible,instructions")


def test_answer_stays_suspicious_if_it_cannot_be_published(alice: Client, odd: Answer) -> None:
    with silent_embedder():
        save(alice, odd, _publish="1")

    odd.refresh_from_db()
    assert (odd.status, odd.suspicious) == ("draft", "invisible,instructions")


def test_list_shows_the_suspicious_alone(alice: Client, odd: Answer) -> None:
    stored(HAIRCUT)

    page = shown(alice, f"{LIST}?suspicious=yes")

    assert "to be read first" in page
    assert SLEEP in page
    assert HAIRCUT not in page


def test_suspicious_answers_are_not_published_together(odd: Answer) -> None:
    publishing.publish(Answer.objects.all(), wiring.embedder())

    assert Answer.objects.get(pk=odd.pk).status == "draft"


def test_form_cannot_say_that_nothing_is_suspicious(alice: Client, odd: Answer) -> None:
    save(alice, odd, suspicious="")

    odd.refresh_from_db()
    assert odd.suspicious
