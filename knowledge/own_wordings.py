"""Whether answers are found by their own wordings, in one space as in another.

By the vectors alone: the whole search finds what is asked word for word in any case.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import F
from django.db.models.fields import TextField
from django.db.models.functions import MD5, Cast

from knowledge import wiring
from knowledge.embedders.base import Embedder, EmbedderError
from knowledge.models import Answer, EmbeddingSpace, Question

SAMPLE = 200
ABOUT = 0.1
"""By which share a space may find less than another and still find about as much."""
LEAST = 0.5
"""What a space must find that cannot be compared."""
TWIN = 0.0005
"""Cosines this near are equal: half precision, and answers with the same wording."""

FIRST = """
SELECT own.similarity >= nearest.similarity - %(twin)s
FROM (
    SELECT 1 - (v.embedding <=> %(vector)s::halfvec) AS similarity
    FROM knowledge_answervector v
    WHERE v.space_id = {space} AND v.answer_id = %(answer)s
) own, (
    SELECT 1 - ({embedding} <=> %(vector)s::halfvec) AS similarity
    FROM knowledge_answervector v JOIN knowledge_answer a ON a.id = v.answer_id
    WHERE v.space_id = {space} AND a.status = 'published' AND a.content_hash = v.content_hash
    ORDER BY {embedding} <=> %(vector)s::halfvec
    LIMIT 1
) nearest
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Shares of the wordings asked that found their own answer first.

    `found_before` is None where the other space's embedder cannot be asked.
    """

    questions: int
    found: float
    found_before: float | None

    @property
    def worse(self) -> bool:
        least = LEAST if self.found_before is None else self.found_before - ABOUT
        return self.questions > 0 and self.found < least


def compared(embedder: Embedder, space: EmbeddingSpace, other: EmbeddingSpace) -> Comparison:
    """Raises EmbedderError if `embedder`, which is `space`'s, fails."""
    questions = sample(space, other)
    found = share_found_first(questions, embedder, space)
    try:
        before = share_found_first(questions, wiring.embedder_of(other.fingerprint), other)
    except EmbedderError:
        before = None
    return Comparison(questions=len(questions), found=found, found_before=before)


def sample(*spaces: EmbeddingSpace) -> list[Question]:
    """Some wordings of answers that can be found in all these spaces, always the same ones."""
    questions = Question.objects.filter(answer__status=Answer.Status.PUBLISHED)
    for space in spaces:
        questions = questions.filter(
            answer__vectors__space=space, answer__vectors__content_hash=F("answer__content_hash")
        )
    return list(questions.order_by(MD5(Cast("pk", TextField())))[:SAMPLE])


def share_found_first(
    questions: Sequence[Question], embedder: Embedder, space: EmbeddingSpace
) -> float:
    if not questions:
        return 0.0
    vectors = embedder.embed_queries([question.text for question in questions])
    statement = FIRST.format(
        space=f"{space.pk:d}", embedding=f"v.embedding::halfvec({space.dimensions:d})"
    )
    found = 0
    with connection.cursor() as cursor:
        for question, vector in zip(questions, vectors, strict=True):
            values = (str(vector.tolist()), question.answer_id, TWIN)
            cursor.execute(statement, dict(zip(("vector", "answer", "twin"), values, strict=True)))
            found += cursor.fetchone() == (True,)
    return found / len(questions)
