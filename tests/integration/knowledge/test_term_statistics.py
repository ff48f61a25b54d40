"""BM25's statistics are those of the answers that are published now, and few rows are read."""

import pytest
from django.db import connection

from knowledge import publishing, retrieval, wiring
from knowledge.models import Answer, LexicalEntry, Posting, Term
from knowledge.retrieval import search
from tests.integration.curating import HAIRCUT, ROUTINE, SLEEP, found, stored

pytestmark = pytest.mark.django_db

RECOUNTED = """
SELECT term, count(*), sum(frequency) FROM knowledge_posting GROUP BY term
UNION ALL SELECT '', count(*), sum(length) FROM knowledge_lexicalentry HAVING count(*) > 0
"""
KEPT = "SELECT term, holders, occurrences FROM knowledge_term WHERE holders <> 0"


def recounted() -> set[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(RECOUNTED)
        return set(cursor.fetchall())


def kept() -> set[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(KEPT)
        return set(cursor.fetchall())


def test_published_answers_are_counted() -> None:
    stored(SLEEP)
    stored(HAIRCUT)

    assert kept() == recounted()
    assert Term.objects.get(term="").holders == 2


def test_edited_answer_is_counted_anew() -> None:
    answer = stored(SLEEP)

    answer.text = "Sing to him."
    answer.save()
    publishing.store_edit(answer, wiring.embedder())

    assert kept() == recounted()


def test_withdrawn_answer_is_not_counted() -> None:
    answer = stored(SLEEP)
    stored(HAIRCUT)

    publishing.withdraw(Answer.objects.filter(pk=answer.pk), Answer.Status.ARCHIVED)

    assert kept() == recounted()
    assert Term.objects.get(term="").holders == 1


def test_deleted_answer_is_not_counted() -> None:
    stored(SLEEP).delete()

    assert kept() == set()


def test_posting_knows_the_length_of_its_answer() -> None:
    stored(SLEEP)

    lengths = set(Posting.objects.values_list("length", flat=True))
    assert lengths == set(LexicalEntry.objects.values_list("length", flat=True))


@pytest.mark.parametrize("question", [SLEEP, HAIRCUT, "How do I get him used to a new routine?"])
def test_scores_are_the_same_however_few_postings_are_looked_up(
    question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for title in (SLEEP, HAIRCUT, ROUTINE):
        stored(title)
    with_all = found(question)

    monkeypatch.setattr(retrieval, "POSTINGS_READ", 1)

    assert [(hit.uid, hit.score) for hit in found(question)] == [
        (hit.uid, hit.score) for hit in with_all
    ]


def test_wording_is_found_word_for_word_beyond_all_candidates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retrieval, "NEAREST", 1)
    monkeypatch.setattr(retrieval, "CANDIDATES", 1)
    wanted = stored(SLEEP, text="This is said of bedtime.")
    for number in range(5):
        stored(f"{SLEEP} ({number})", text=SLEEP)

    (best,) = search(SLEEP.upper().rstrip("?"), wiring.embedder(), top_k=1).hits

    assert (best.uid, best.exact) == (wanted.uid, True)
