"""Search where nearly everything near the question must not be found, at a size that has an index.

The vectors are synthetic: one answer in a hundred is published, and right where each question is
lie answers that nobody may see.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from django.db import connection

from knowledge.embedders.base import Vector, Vectors, normalized
from knowledge.models import Answer, EmbeddingSpace
from knowledge.retrieval import EXACT_UP_TO, Query, find, parameters, statement
from knowledge.spaces import ensure_index

DIMENSIONS = 24
ANSWERS = EXACT_UP_TO + 100
PUBLISHED_EACH = 100
QUESTIONS = 40
TOP_K = 10
LEAST_RECALL = 0.95
COPY = "COPY knowledge_answervector (answer_id, space_id, content_hash, embedding) FROM STDIN"
DRAFT, PUBLISHED, ARCHIVED = Answer.Status.DRAFT, Answer.Status.PUBLISHED, Answer.Status.ARCHIVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The answers that may be found, with a vector each, and questions that lie beside others."""

    space: EmbeddingSpace
    published: Sequence[str]
    vectors: Vectors
    questions: Vectors

    def found(self, question: Vector) -> set[str]:
        return {str(hit.uid) for hit in find(self.query(question), top_k=TOP_K).hits}

    def nearest(self, question: Vector) -> set[str]:
        """What comparing all of them gives."""
        order = np.argsort(-(self.vectors @ question))
        return {self.published[position] for position in order[:TOP_K]}

    def plan(self, question: Vector) -> str:
        with connection.cursor() as cursor:
            explain = f"EXPLAIN {statement(self.query(question))}"
            cursor.execute(explain, parameters(self.query(question), TOP_K))
            return "\n".join(line for (line,) in cursor.fetchall())

    def query(self, question: Vector) -> Query:
        return Query(text="?", vector=question, space=self.space)


@pytest.fixture
def base(transactional_db: None) -> Base:
    random = np.random.default_rng(75)
    vectors, questions = directions(random, ANSWERS), directions(random, QUESTIONS)
    new, old = [
        EmbeddingSpace.objects.create(fingerprint=name, dimensions=DIMENSIONS)
        for name in ("new", "old")
    ]
    published = [PUBLISHED if number % PUBLISHED_EACH == 0 else DRAFT for number in range(ANSWERS)]
    answers = store(published, new, vectors)
    store([DRAFT] * QUESTIONS, new, questions)
    store([ARCHIVED] * QUESTIONS, new, questions)
    store([PUBLISHED] * QUESTIONS, new, questions, content_hash="as it was")
    store([PUBLISHED] * QUESTIONS, old, questions)
    ensure_index(new)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()  # one that is older than the first migration lacks what that has set
    return Base(
        space=new,
        published=[str(answer.uid) for answer in answers[::PUBLISHED_EACH]],
        vectors=vectors[::PUBLISHED_EACH],
        questions=questions,
    )


def directions(random: np.random.Generator, count: int) -> Vectors:
    return normalized(random.standard_normal((count, DIMENSIONS)).astype(np.float32))


def store(
    statuses: Sequence[Answer.Status],
    space: EmbeddingSpace,
    vectors: Vectors,
    *,
    content_hash: str = "as it is",
) -> list[Answer]:
    """Answers, and what was indexed of each in this space."""
    answers = Answer.objects.bulk_create(
        [
            Answer(text="x", locale="en", status=status, content_hash="as it is")
            for status in statuses
        ]
    )
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for answer, vector in zip(answers, vectors, strict=True):
            copy.write_row((answer.pk, space.pk, content_hash, str(vector.tolist())))
    return answers


def test_t75_only_what_is_published_is_found_and_nearly_all_of_it(base: Base) -> None:
    for through_index in (False, True):
        if through_index:  # the planner, knowing how few are published, may compare just those
            with connection.cursor() as cursor:
                cursor.execute("SET enable_sort = off")
            assert f"vector_hnsw_space_{base.space.pk}" in base.plan(base.questions[0])

        found = [base.found(question) for question in base.questions]
        nearest = [base.nearest(question) for question in base.questions]

        common = [len(one & other) for one, other in zip(found, nearest, strict=True)]
        assert set().union(*found) <= set(base.published)
        assert {len(uids) for uids in found} == {TOP_K}
        assert sum(common) / (TOP_K * QUESTIONS) >= LEAST_RECALL
    connection.close()
