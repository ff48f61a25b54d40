"""Editing answers in the admin: real forms, real Postgres, the real embedder."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from knowledge.admin.fields import PlainTextField
from knowledge.models import Answer
from tests.integration.curating import (
    ADD,
    HAIRCUT,
    LIST,
    ROUTINE,
    SLEEP,
    XSS,
    form,
    found,
    new_form,
    posted,
    save,
    shown,
    staff,
    stored,
    superuser,
    wordings,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Client:
    return superuser("alice")


@pytest.fixture
def bob() -> Client:
    """May look at answers, and no more."""
    return staff("bob", "view_answer")


def test_new_answer_is_a_draft_that_is_not_found(alice: Client) -> None:
    alice.post(ADD, new_form(SLEEP, HAIRCUT))

    answer = Answer.objects.get()
    assert (answer.status, answer.version) == ("draft", 1)
    assert wordings(answer) == [SLEEP, HAIRCUT]
    assert found(SLEEP) == []


def test_save_and_publish_makes_a_new_answer_findable(alice: Client) -> None:
    alice.post(ADD, new_form(SLEEP, _publish="1"))

    assert [hit.title for hit in found(SLEEP)] == [SLEEP]


def test_edit_of_a_published_answer_is_found_by_its_new_words_only(alice: Client) -> None:
    answer = stored(SLEEP)

    save(alice, answer, HAIRCUT, text="Let her play with the scissors first.")

    (hit,) = found(HAIRCUT)
    assert (hit.exact, hit.text) == (True, "Let her play with the scissors first.")
    assert hit.version == 2
    assert not found(SLEEP)[0].exact


def test_deleted_wording_no_longer_matches_as_exact(alice: Client) -> None:
    answer = stored(SLEEP, HAIRCUT)

    save(alice, answer, **{"questions-1-DELETE": "on"})

    assert wordings(answer) == [SLEEP]
    assert not found(HAIRCUT)[0].exact


def test_added_wording_is_found_at_once(alice: Client) -> None:
    answer = stored(SLEEP)

    save(alice, answer, SLEEP, HAIRCUT)

    assert found(HAIRCUT)[0].exact


def test_saving_an_untouched_form_changes_neither_text_nor_version(alice: Client) -> None:
    answer = stored(SLEEP, text="First this.\n\nThen that.")

    save(alice, answer, text="First this.\r\n\r\nThen that.")

    saved = Answer.objects.get()
    assert (saved.text, saved.version) == (answer.text, 1)
    assert found(SLEEP)


def test_edit_of_what_is_not_searched_keeps_the_version(alice: Client) -> None:
    answer = stored(SLEEP)

    save(alice, answer, topic="sleep")

    saved = Answer.objects.get()
    assert (saved.topic, saved.version) == ("sleep", 1)


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        (["1", "2", "1"], "CAB"),
        (["2", "2", "3"], "BAC"),
        (["", "2", "3"], "BCA"),
        (["3", "2", "1"], "CBA"),
    ],
)
def test_wordings_stand_in_the_order_of_their_numbers(
    alice: Client, orders: list[str], expected: str
) -> None:
    answer = stored("A", "B", "C")

    save(alice, answer, **{f"questions-{row}-order": order for row, order in enumerate(orders)})

    assert "".join(wordings(answer)) == expected
    assert list(answer.questions.values_list("position", flat=True)) == [0, 1, 2]


def test_two_wordings_can_change_places(alice: Client) -> None:
    answer = stored(SLEEP, HAIRCUT)

    save(alice, answer, HAIRCUT, SLEEP)

    assert wordings(answer) == [HAIRCUT, SLEEP]


def test_edit_that_was_made_meanwhile_is_not_overwritten(alice: Client) -> None:
    answer = stored(SLEEP)
    shown_to_alice = form(answer, text="Alice's words.")
    save(superuser("charlie"), answer, text="Charlie's words.")

    reply = posted(alice, f"{LIST}{answer.pk}/change/", shown_to_alice)

    assert "Somebody changed this answer" in reply
    assert Answer.objects.get().text == "Charlie's words."


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": "a\0b"}, "cannot be stored"),
        ({"text": " \u200b\ufeff "}, "This field is required"),
        ({"text": "x" * 50_001}, "at most 50000 characters"),
        ({"basis": "x" * 5_001}, "at most 5000 characters"),
        ({"basis_url": "javascript:alert(1)"}, "Enter a valid URL"),
        ({"topic": "x" * 121}, "at most 120 characters"),
        ({"locale": "fr"}, "Select a valid choice"),
        ({"reviewed_at": "2026-02-01", "review_by": "2026-01-31"}, "before the day of the review"),
        ({"review_by": "soon"}, "Enter a valid date"),
        ({"questions-0-text": "\u200b"}, "This field is required"),
        ({"questions-0-text": "a\0b"}, "cannot be stored"),
        ({"questions-0-text": "x" * 2_001}, "at most 2000 characters"),
        ({"questions-0-text": HAIRCUT}, "This question is here twice"),
        ({"questions-0-order": "-1"}, "greater than or equal to 0"),
        ({"questions-0-DELETE": "on", "questions-1-DELETE": "on"}, "at least one question"),
        ({"questions-TOTAL_FORMS": "100000"}, "at most 50"),
        ({"questions-TOTAL_FORMS": ""}, "at least one question"),
    ],
)
def test_form_says_what_is_wrong(alice: Client, fields: dict[str, str], message: str) -> None:
    answer = stored(SLEEP, HAIRCUT, publish=False)

    reply = save(alice, answer, **fields)

    assert "errornote" in reply
    assert message in reply
    assert Answer.objects.get().updated_at == answer.updated_at


def test_half_a_pair_of_code_units_is_refused() -> None:
    with pytest.raises(ValidationError, match="cannot be stored"):
        PlainTextField().clean("\ud800")


def test_new_answer_without_a_question_is_refused(alice: Client) -> None:
    reply = posted(alice, ADD, new_form(""))

    assert "errornote" in reply
    assert not Answer.objects.exists()


def test_invisible_characters_are_taken_out(alice: Client) -> None:
    alice.post(ADD, new_form("Will he\u200b sleep?", text="\u202eYes\U000e0041."))

    answer = Answer.objects.get()
    assert (answer.text, wordings(answer)) == ("Yes.", ["Will he sleep?"])


def test_t44_extra_fields_change_nothing(alice: Client) -> None:
    answer = stored(SLEEP, publish=False)

    extra = {"status": "published", "version": 9, "source": "x", "external_id": "x", "uid": "x"}
    save(alice, answer, **extra, content_hash="x")

    saved = Answer.objects.get()
    assert (saved.status, saved.version, saved.source) == ("draft", 1, "")
    assert (saved.external_id, saved.uid) == ("", answer.uid)
    assert saved.content_hash == answer.content_hash


def test_viewer_reads_an_answer_with_its_wordings(bob: Client) -> None:
    answer = stored(SLEEP)

    page = shown(bob, f"{LIST}{answer.pk}/change/")

    assert SLEEP in page
    assert "<textarea" not in page
    assert "_publish" not in page


@pytest.mark.parametrize("fields", [{"text": "Changed."}, {"_withdraw": "1"}, {"_publish": "1"}])
def test_viewer_cannot_save(bob: Client, fields: dict[str, Any]) -> None:
    answer = stored(SLEEP)

    response = bob.post(f"{LIST}{answer.pk}/change/", form(answer, **fields))

    assert response.status_code == 403
    assert found(SLEEP)[0].text == ROUTINE


@pytest.mark.parametrize("action", ["publish", "withdraw", "archive", "delete_selected"])
def test_viewer_cannot_run_an_action(bob: Client, action: str) -> None:
    answer = stored(SLEEP)

    bob.post(LIST, {"action": action, "_selected_action": [answer.pk], "post": "yes"})

    assert Answer.objects.get().status == "published"


def test_expert_who_may_change_answers_may_change_their_wordings() -> None:
    answer = stored(SLEEP)

    save(staff("charlie", "view_answer", "change_answer"), answer, HAIRCUT)

    assert wordings(answer) == [HAIRCUT]


def test_t40_markup_is_shown_as_text(alice: Client) -> None:
    answer = stored(XSS, text=XSS, topic=XSS, source=XSS, expert_name=XSS)

    paths = ["", "change/", "history/", "delete/"]
    pages = [shown(alice, f"{LIST}{answer.pk}/{path}" if path else LIST) for path in paths]

    assert all("&lt;script&gt;alert(1)" in page for page in pages)
    assert not any("<script>alert" in page or "<img src=x" in page for page in pages)


def test_list_takes_the_same_queries_for_any_number_of_answers(
    alice: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    stored(SLEEP)
    with django_assert_num_queries(8) as few:
        shown(alice, LIST)

    for number in range(5):
        stored(f"{HAIRCUT} {number}", f"{SLEEP} {number}")
    with django_assert_num_queries(8):
        shown(alice, LIST)
    assert not any('."embedding"' in query["sql"] for query in few.captured_queries)
