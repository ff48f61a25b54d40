"""The admin's list search, its “try a question” page, and what it shows of embedding spaces."""

import pytest
from django.test import Client
from pytest_django import Settings

from knowledge.admin.bounded_list import SEARCH_CHARACTERS
from knowledge.admin.trial import QUESTION_CHARACTERS
from knowledge.models import Answer, AnswerVector, EmbeddingSpace
from tests.integration.curating import (
    HAIRCUT,
    LIST,
    SLEEP,
    XSS,
    found,
    posted,
    shown,
    silent_embedder,
    staff,
    stored,
    superuser,
)

pytestmark = pytest.mark.django_db

TRY = f"{LIST}try/"
SPACES = "/admin/knowledge/embeddingspace/"


@pytest.fixture
def alice() -> Client:
    return superuser("alice")


@pytest.fixture
def bob() -> Client:
    """May look at answers and spaces, and no more."""
    return staff("bob", "view_answer", "view_embeddingspace")


def space() -> EmbeddingSpace:
    return EmbeddingSpace.objects.get()


@pytest.mark.parametrize("words", ["sleep alone", "EVENING routine", "leaflet", "row-7"])
def test_list_is_searched_by_wording_text_source_and_id(alice: Client, words: str) -> None:
    stored(SLEEP, source="leaflet", external_id="row-7", publish=False)
    stored(HAIRCUT, text="Let her play with the scissors.", publish=False)

    page = shown(alice, f"{LIST}?q={words}")

    assert SLEEP in page
    assert HAIRCUT not in page


@pytest.mark.parametrize("words", ["' OR 1=1 --", "%25", "_", ".*", "\\"])
def test_a05_search_takes_signs_literally(alice: Client, words: str) -> None:
    stored(SLEEP, publish=False)

    assert SLEEP not in shown(alice, f"{LIST}?q={words}")


@pytest.mark.parametrize(
    "query",
    [
        "q=" + "x" * (SEARCH_CHARACTERS + 1),
        "topic=%00",
        "questions__text__startswith=M",
        "vectors__space__fingerprint__startswith=l",
    ],
)
def test_a05_list_refuses_what_it_does_not_offer(alice: Client, query: str) -> None:
    assert alice.get(f"{LIST}?{query}").status_code == 400


def test_ticked_row_that_cannot_exist_is_refused(alice: Client) -> None:
    response = alice.post(LIST, {"action": "publish", "_selected_action": ["x"]})

    assert response.status_code == 400


def test_overdue_answers_are_marked_and_can_be_listed(alice: Client) -> None:
    stored(SLEEP, review_by="2020-01-31", publish=False)
    stored(HAIRCUT, review_by="9999-01-31", publish=False)

    page = shown(alice, f"{LIST}?overdue=yes")

    assert "Jan. 31, 2020 (overdue)" in page
    assert HAIRCUT not in page


def test_viewer_tries_a_question_and_sees_what_chat_would_find(bob: Client) -> None:
    answer = stored(SLEEP)
    stored(HAIRCUT)

    page = posted(bob, TRY, {"question": SLEEP})

    best, second = found(SLEEP)
    assert "One answer clearly fits" in page
    assert "beyond doubt: a language model that does not search is overruled" in page
    assert "yes, word by word" in page
    assert f"{LIST}{answer.pk}/change/" in page
    assert f"{best.score:.3f}" in page
    assert f"{second.score:.3f}" in page


def test_question_that_no_answer_fits_is_told_so(bob: Client) -> None:
    stored(SLEEP)
    EmbeddingSpace.objects.update(bars={"en": 1.1})

    page = posted(bob, TRY, {"question": "Where do whales sleep?"})

    assert "No answer fits" in page
    assert "left to the language model" in page


def test_trial_can_be_limited_to_a_topic(bob: Client) -> None:
    food, sleep = stored(SLEEP, topic="food"), stored(SLEEP, topic="sleep", text="Dim the light.")

    page = posted(bob, TRY, {"question": SLEEP, "topic": "food"})

    assert 'name="topic" value="food"' in page
    assert f"{LIST}{food.pk}/change/" in page
    assert f"{LIST}{sleep.pk}/change/" not in page


def test_trial_shows_from_which_score_a_question_is_beyond_doubt(bob: Client) -> None:
    stored(SLEEP)
    EmbeddingSpace.objects.update(bars={"en": 1.0}, certain_margins={"en": 0.1})

    page = posted(bob, TRY, {"question": "Where do whales sleep?"})

    assert "From 0.909 on the question is beyond doubt." in page


def test_nothing_published_is_told_so(bob: Client) -> None:
    assert "Nothing is published yet" in posted(bob, TRY, {"question": SLEEP})


@pytest.mark.parametrize("question", ["", "  ", "a\0b", "x" * (QUESTION_CHARACTERS + 1)])
def test_question_that_cannot_be_asked_is_an_error_of_the_form(bob: Client, question: str) -> None:
    assert "errorlist" in posted(bob, TRY, {"question": question})


def test_trial_tells_that_the_embedder_fails(bob: Client) -> None:
    with silent_embedder():
        page = posted(bob, TRY, {"question": SLEEP})

    assert "does not respond" in page


def test_t40_markup_in_a_hit_is_shown_as_text(bob: Client) -> None:
    stored(XSS, text=XSS)

    page = posted(bob, TRY, {"question": XSS})

    assert page.count("&lt;script&gt;alert(1)") >= 3
    assert "<script>alert" not in page


def test_staff_without_permission_cannot_try_a_question() -> None:
    assert staff("charlie").get(TRY).status_code == 403


def test_visitor_is_sent_to_the_login_page(client: Client) -> None:
    assert client.post(TRY, {"question": SLEEP}).status_code == 302


def test_spaces_show_how_many_answers_wait(bob: Client) -> None:
    waiting = stored(SLEEP)
    stored(HAIRCUT)
    Answer.objects.filter(pk=waiting.pk).update(content_hash="changed")

    page = shown(bob, SPACES)

    assert space().fingerprint in page
    assert 'field-number_of_vectors">2<' in page
    assert 'field-waiting">1<' in page


def test_space_has_a_page_of_its_own(bob: Client) -> None:
    stored(SLEEP)

    assert space().fingerprint in shown(bob, f"{SPACES}{space().pk}/change/")


def test_space_is_calibrated_by_hand(alice: Client) -> None:
    stored(SLEEP)

    page = posted(alice, SPACES, {"action": "calibrate_now", "_selected_action": [space().pk]})

    assert "was calibrated" in page
    assert space().calibrated_answers == 1
    assert "English 0." in page
    assert set(space().certain_margins) == {"en", "zh-hans"}


def test_calibrating_tells_that_the_embedder_fails(alice: Client) -> None:
    stored(SLEEP)

    with silent_embedder():
        ticked = {"action": "calibrate_now", "_selected_action": [space().pk]}
        page = posted(alice, SPACES, ticked)

    assert "does not respond" in page
    assert space().calibrated_at is None


def test_spaces_page_tells_how_to_change_over_to_the_embedder_of_the_settings(
    alice: Client, settings: Settings
) -> None:
    stored(SLEEP)
    quiet = shown(alice, SPACES)
    settings.EMBEDDER, settings.EMBEDDING_MODEL = "openai", "text-embedding-3-small"

    page = shown(alice, SPACES)

    assert "manage.py reembed" not in quiet
    assert "openai/text-embedding-3-small, but the answers are searched with local/" in page
    assert "manage.py reembed" in page


def test_viewer_cannot_calibrate(bob: Client) -> None:
    stored(SLEEP)

    bob.post(SPACES, {"action": "calibrate_now", "_selected_action": [space().pk]})

    assert space().calibrated_at is None


def test_spaces_cannot_be_changed_added_or_deleted(alice: Client) -> None:
    stored(SLEEP)
    path = f"{SPACES}{space().pk}/"

    tried = [alice.post(f"{path}change/", {"active": ""}), alice.post(f"{path}delete/")]
    tried.append(alice.post(f"{SPACES}add/", {"fingerprint": "x"}))

    assert [response.status_code for response in tried] == [403, 403, 403]
    assert AnswerVector.objects.count() == 1
