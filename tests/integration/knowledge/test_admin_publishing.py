"""Publishing and withdrawing answers in the admin, with and without an embedder that responds."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction
from django.test import Client

from knowledge import publishing, wiring
from knowledge.models import Answer, EmbeddingSpace, Posting
from knowledge.recalibration import recalibration
from tests.integration.curating import (
    ADD,
    HAIRCUT,
    LIST,
    SLEEP,
    found,
    new_form,
    run,
    save,
    shown,
    silent_embedder,
    stored,
    superuser,
    wordings,
)
from tests.integration.embedded_machine import eventually

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Client:
    return superuser("alice")


@pytest.mark.parametrize(("button", "status"), [("_withdraw", "draft"), ("_archive", "archived")])
def test_button_takes_an_answer_out_of_search(alice: Client, button: str, status: str) -> None:
    answer = stored(SLEEP)

    save(alice, answer, **{button: "1"})

    assert Answer.objects.get().status == status
    assert found(SLEEP) == []
    assert not Posting.objects.exists()


@pytest.mark.parametrize(("action", "status"), [("withdraw", "draft"), ("archive", "archived")])
def test_action_takes_answers_out_of_search(alice: Client, action: str, status: str) -> None:
    answers = [stored(SLEEP), stored(HAIRCUT)]

    run(alice, action, *answers)

    assert {answer.status for answer in Answer.objects.all()} == {status}
    assert found(SLEEP) == []


def test_drafts_can_be_archived_and_archived_answers_published(alice: Client) -> None:
    answer = stored(SLEEP, publish=False)

    run(alice, "archive", answer)
    assert Answer.objects.get().status == "archived"

    assert "1 answer is now published" in run(alice, "publish", answer)
    assert found(SLEEP)[0].exact


def test_changes_of_status_are_in_the_history(alice: Client) -> None:
    answer = stored(SLEEP, publish=False)

    run(alice, "publish", answer)
    save(alice, answer, _archive="1")

    history = shown(alice, f"{LIST}{answer.pk}/history/")
    assert "Published." in history
    assert "Archived." in history


@pytest.mark.django_db(transaction=True)
def test_publishing_learns_the_bars_after_the_expert_was_answered(alice: Client) -> None:
    alice.post(ADD, new_form(SLEEP, _publish="1"))
    recalibration.wait(120)

    space = EmbeddingSpace.objects.get()
    assert space.calibrated_answers == 1
    assert space.bars


def test_deleted_answer_leaves_nothing_in_search(alice: Client) -> None:
    answer = stored(SLEEP)

    path = f"{LIST}{answer.pk}/delete/"
    confirmation = shown(alice, path)
    alice.post(path, {"post": "yes"})

    assert "vector" not in confirmation
    assert found(SLEEP) == []
    assert not Posting.objects.exists()


def test_answers_deleted_from_the_list_leave_nothing_in_search(alice: Client) -> None:
    answer = stored(SLEEP)

    ticked = {"action": "delete_selected", "_selected_action": [answer.pk]}
    alice.post(LIST, {**ticked, "post": "yes"})

    assert not Answer.objects.exists()
    assert found(SLEEP) == []


def test_edit_waits_for_its_vector_and_is_not_found_until_it_is_built(alice: Client) -> None:
    answer = stored(SLEEP)

    with silent_embedder():
        reply = save(alice, answer, HAIRCUT)
    assert "visitors are not given this answer yet" in reply
    assert wordings(answer) == [HAIRCUT]
    assert "waiting for its vector" in shown(alice, f"{LIST}?waiting=yes")
    assert found(SLEEP) == found(HAIRCUT) == []

    assert "1 published answer were built" in run(alice, "build_search_entries", answer)
    assert found(HAIRCUT)[0].exact
    assert HAIRCUT not in shown(alice, f"{LIST}?waiting=yes")


def test_edit_of_what_is_not_searched_waits_for_nothing(alice: Client) -> None:
    answer = stored(SLEEP)

    with silent_embedder():
        reply = save(alice, answer, topic="sleep")

    assert Answer.objects.get().topic == "sleep"
    assert 'class="warning"' not in reply


def test_edit_is_saved_though_it_cannot_be_published(alice: Client) -> None:
    answer = stored(SLEEP, publish=False)

    with silent_embedder():
        reply = save(alice, answer, HAIRCUT, _publish="1")

    assert "the answer is not published" in reply
    assert Answer.objects.get().status == "draft"
    assert wordings(answer) == [HAIRCUT]


@pytest.mark.parametrize("action", ["publish", "build_search_entries"])
def test_action_that_needs_the_embedder_says_that_it_failed(alice: Client, action: str) -> None:
    answers = [stored(SLEEP), stored(HAIRCUT, publish=False)]

    with silent_embedder():
        reply = run(alice, action, *answers)

    assert "does not respond" in reply
    assert len(found(HAIRCUT)) == 1


def test_withdrawing_needs_no_embedder(alice: Client) -> None:
    answer = stored(SLEEP)

    with silent_embedder():
        run(alice, "withdraw", answer)

    assert found(SLEEP) == []


def save_in_thread(client: Client, answer: Answer, text: str) -> str:
    try:
        return save(client, answer, text=text)
    finally:
        connections.close_all()


def somebody_waits_for_a_row() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone() == (1,))


@pytest.mark.django_db(transaction=True)
def test_expert_who_saves_while_another_does_is_told_of_the_other_edit(alice: Client) -> None:
    answer = stored(SLEEP)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            locked = Answer.objects.select_for_update().get()
            reply = pool.submit(save_in_thread, alice, answer, "Alice's words.")
            eventually(somebody_waits_for_a_row)
            locked.text = "Charlie's words."
            locked.save()
            publishing.store_edit(locked, wiring.embedder())
        page = reply.result(30)

    assert "Somebody changed this answer" in page
    assert [hit.text for hit in found(SLEEP)] == ["Charlie's words."]
