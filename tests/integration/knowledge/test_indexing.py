"""What search knows of an answer changes with it, whoever else is at work."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from django.db import connection, transaction

from knowledge import publishing, vector_indexes, wiring
from knowledge.embedders.base import Vectors
from knowledge.embedders.local import LocalEmbedder
from knowledge.embedders.remembering import RememberingEmbedder
from knowledge.indexing import index_missing
from knowledge.models import Answer, AnswerVector, EmbeddingSpace, LexicalEntry, Posting
from knowledge.retrieval import Query, statement
from knowledge.spaces import ensure_index
from knowledge.vector_indexes import drop_index, index_name, indexed
from tests.integration.curating import HAIRCUT, ROUTINE, SLEEP, found, silent_embedder, stored

pytestmark = pytest.mark.django_db

OTHER = "Sing to him."
Status = Answer.Status


class Interrupted(LocalEmbedder):
    """Somebody does something while it embeds for the first time."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self.meanwhile = meanwhile
        self.embedded: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        vectors = super().embed_passages(texts)
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return vectors


def edit(answer: Answer, text: str = OTHER) -> None:
    answer.text = text
    answer.save()
    publishing.store_edit(answer, wiring.embedder())


def texts_found(question: str = SLEEP) -> list[str]:
    return [hit.text for hit in found(question)]


def terms_of(answer: Answer) -> set[str]:
    return set(Posting.objects.filter(answer=answer).values_list("term", flat=True))


# --- An answer's life (T-57)


def test_t57_edited_answer_is_found_with_its_new_words_alone() -> None:
    answer = stored(SLEEP)

    edit(answer)

    assert texts_found() == [OTHER]
    assert "sing" in terms_of(answer)
    assert "routin" not in terms_of(answer)
    assert AnswerVector.objects.get().content_hash == answer.content_hash


@pytest.mark.parametrize("status", [Status.DRAFT, Status.ARCHIVED])
def test_t57_withdrawn_answer_is_gone_and_back_when_it_is_restored(status: Answer.Status) -> None:
    answer = stored(SLEEP)
    chosen = Answer.objects.filter(pk=answer.pk)

    publishing.give_status(chosen, status, wiring.embedder())
    gone, terms_left = texts_found(), terms_of(answer)
    publishing.give_status(chosen, Status.PUBLISHED, wiring.embedder())

    assert (gone, terms_left) == ([], set())
    assert texts_found() == [ROUTINE]
    assert LexicalEntry.objects.count() == 1


def test_t57_deleted_answer_leaves_nothing() -> None:
    stored(SLEEP).delete()

    assert texts_found() == []
    assert not AnswerVector.objects.exists()
    assert not Posting.objects.exists()


def test_t57_old_words_are_not_found_where_the_embedder_died() -> None:
    answer = stored(SLEEP)
    answer.text = OTHER
    answer.save()

    with silent_embedder(), pytest.raises(Exception, match="does not respond"):
        publishing.store_edit(answer, wiring.embedder())

    assert texts_found() == []
    index_missing(wiring.embedder())
    assert texts_found() == [OTHER]


def test_t57_edit_that_is_undone_leaves_the_old_words_findable() -> None:
    answer = stored(SLEEP)

    with transaction.atomic():
        edit(answer)
        transaction.set_rollback(True)

    assert texts_found() == [ROUTINE]
    assert "routin" in terms_of(answer)


# --- Beside edits


def missing(answer: Answer) -> None:
    AnswerVector.objects.filter(answer=answer).delete()


def test_answer_edited_while_it_is_indexed_keeps_its_new_entries() -> None:
    answer = stored(SLEEP)
    missing(answer)

    index_missing(Interrupted(lambda: edit(answer)))

    assert texts_found() == [OTHER]
    assert "sing" in terms_of(answer)


def test_answer_withdrawn_while_it_is_indexed_gets_no_terms_back() -> None:
    answer = stored(SLEEP)
    missing(answer)
    chosen = Answer.objects.filter(pk=answer.pk)

    index_missing(Interrupted(lambda: publishing.withdraw(chosen, Status.DRAFT)))

    assert terms_of(answer) == set()
    assert not LexicalEntry.objects.exists()


def test_wording_that_answers_share_is_embedded_once_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for text in (ROUTINE, OTHER, "Wait."):
        stored(SLEEP, text=text)
    AnswerVector.objects.all().delete()
    monkeypatch.setattr("knowledge.indexing.BATCH", 1)
    embedder = Interrupted(lambda: None)

    index_missing(embedder)

    assert embedder.embedded.count(SLEEP) == 1
    assert AnswerVector.objects.count() == 3


def test_remembered_vectors_are_those_of_the_embedder() -> None:
    embedder = RememberingEmbedder(LocalEmbedder())
    first = embedder.embed_passages([SLEEP, HAIRCUT])

    again = embedder.embed_passages([HAIRCUT, OTHER, HAIRCUT])

    assert (again[0] == first[1]).all()
    assert (again[0] == again[2]).all()
    assert embedder.embed_passages([]).shape == (0, embedder.dimensions)


# --- The index of many vectors


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingSpace]:
    """One that is taken for large."""
    monkeypatch.setattr(vector_indexes, "INDEX_FROM", 1)
    stored(SLEEP)
    space = EmbeddingSpace.objects.get()
    yield space
    drop_index(space)


def test_small_space_needs_no_index() -> None:
    stored(SLEEP)
    space = EmbeddingSpace.objects.get()

    assert ensure_index(space)
    assert not indexed(space)


@pytest.mark.django_db(transaction=True)
def test_large_space_gets_its_index_beside_searches(space: EmbeddingSpace) -> None:
    assert ensure_index(space)

    assert indexed(space)
    assert ensure_index(space)


@pytest.mark.django_db(transaction=True)
def test_index_that_a_killed_build_left_is_built_anew(space: EmbeddingSpace) -> None:
    ensure_index(space)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)",
            [index_name(space)],
        )

    assert not indexed(space)
    assert ensure_index(space)
    assert indexed(space)


def test_index_can_be_made_where_foreign_keys_wait_to_be_checked(space: EmbeddingSpace) -> None:
    stored(HAIRCUT)

    assert ensure_index(space)
    assert indexed(space)


def test_index_is_the_one_that_a_search_asks_for(space: EmbeddingSpace) -> None:
    ensure_index(space)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef(to_regclass(%s))", [index_name(space)])
        (definition,) = cursor.fetchone() or ("",)

    assert f"embedding)::halfvec({space.dimensions})" in definition
    nowhere = np.zeros(space.dimensions, dtype=np.float32)
    assert "v.embedding" in statement(Query(text="?", vector=nowhere, space=space))
