"""Search where nearly everything near the question must not be found, at a size that has an index.

The vectors are synthetic: one answer in a hundred is published, and right beside every question
lie answers that nobody may see.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from django.db import connection

from knowledge.embedders.base import Vector, Vectors, normalized
from knowledge.models import Answer, AnswerVector, EmbeddingSpace
from knowledge.retrieval import EXACT_UP_TO, Query, find, parameters, statement
from knowledge.spaces import create_index

pytestmark = pytest.mark.django_db(transaction=True)

DIMENSIONS = 24
ANSWERS = EXACT_UP_TO + 600
PUBLISHED_EACH = 100
QUESTIONS = 40
TOP_K = 10
LEAST_RECALL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The answers that may be found, a vector each, and questions that lie beside others."""

    space: EmbeddingSpace
    published: Sequence[Answer]
    vectors: Vectors
    questions: Vectors

    def search(self, question: Vector) -> list[str]:
        hits = find(asked(self.space, question), top_k=TOP_K).hits
        return [str(hit.uid) for hit in hits]

    def nearest(self, question: Vector) -> list[str]:
        """What comparing all of them gives."""
        order = np.argsort(-(self.vectors @ question))[:TOP_K]
        return [str(self.published[position].uid) for position in order]


def asked(space: EmbeddingSpace, question: Vector) -> Query:
    return Query(text="?", vector=question, space=space)


@pytest.fixture
def base() -> Iterator[Base]:
    random = np.random.default_rng(75)
    space, elsewhere = [
        EmbeddingSpace.objects.create(fingerprint=name, dimensions=DIMENSIONS, active=name == "new")
        for name in ("new", "old")
    ]
    vectors = directions(random, ANSWERS)
    questions = directions(random, QUESTIONS)
    status = [
        Answer.Status.DRAFT if number % PUBLISHED_EACH else Answer.Status.PUBLISHED
        for number in range(ANSWERS)
    ]
    answers = stored(status)
    place(answers, space, vectors)
    for forbidden in (Answer.Status.DRAFT, Answer.Status.ARCHIVED):
        place(stored([forbidden] * QUESTIONS), space, questions)
    place(stored([Answer.Status.PUBLISHED] * QUESTIONS), space, questions, content_hash="stale")
    place(stored([Answer.Status.PUBLISHED] * QUESTIONS), elsewhere, questions)
    create_index(space)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()  # connections made before the first migration lack what it set
    yield Base(
        space=space,
        published=answers[::PUBLISHED_EACH],
        vectors=vectors[::PUBLISHED_EACH],
        questions=questions,
    )


def directions(random: np.random.Generator, count: int) -> Vectors:
    """Unit vectors, rounded as they are stored."""
    drawn = random.standard_normal((count, DIMENSIONS)).astype(np.float32)
    return normalized(normalized(drawn).astype(np.float16).astype(np.float32))


def stored(status: Sequence[Answer.Status]) -> list[Answer]:
    return Answer.objects.bulk_create(
        [Answer(text="x", locale="en", status=each, content_hash="fresh") for each in status],
        batch_size=2_000,
    )


def place(
    answers: Sequence[Answer],
    space: EmbeddingSpace,
    vectors: Vectors,
    *,
    content_hash: str = "fresh",
) -> None:
    AnswerVector.objects.bulk_create(
        [
            AnswerVector(
                answer=answer, space=space, content_hash=content_hash, embedding=vector.tolist()
            )
            for answer, vector in zip(answers, vectors, strict=True)
        ],
        batch_size=2_000,
    )


ANY_PLAN = "RESET enable_sort"
INDEX_PLAN = "SET enable_sort = off"
"""Else the planner, which knows how few are published, may well compare those one by one."""


@pytest.fixture(params=[ANY_PLAN, INDEX_PLAN], ids=["any plan", "index"])
def planned(request: pytest.FixtureRequest, base: Base) -> Base:
    with connection.cursor() as cursor:
        cursor.execute(request.param)
        cursor.execute("SHOW hnsw.iterative_scan")
        print(cursor.fetchone())
    return base


def test_t75_what_is_not_published_is_never_found(planned: Base) -> None:
    published = {str(answer.uid) for answer in planned.published}

    found = [planned.search(question) for question in planned.questions]

    assert {uid for uids in found for uid in uids} <= published
    assert [len(uids) for uids in found] == [TOP_K] * QUESTIONS


def test_t75_what_is_published_is_found_behind_all_the_rest(planned: Base) -> None:
    recalls = [
        len({*planned.search(question)} & {*planned.nearest(question)}) / TOP_K
        for question in planned.questions
    ]

    assert np.mean(recalls) >= LEAST_RECALL


def test_t75_index_is_used_at_this_size(base: Base) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INDEX_PLAN)
        explained = f"EXPLAIN {statement(base.space)}"
        cursor.execute(explained, parameters(asked(base.space, base.questions[0]), TOP_K))
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert f"vector_hnsw_space_{base.space.pk}" in plan
