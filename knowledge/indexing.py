"""Makes answers findable: their vectors in the active space and their terms for BM25.

An answer has one vector: the normalised sum of the mean passage embedding of its wordings and the
passage embedding of its title with its text. Averaging the wordings beats taking the best of them,
which lets one colloquial wording attract every colloquial question.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from knowledge.embedders.base import Embedder, Vectors, normalized
from knowledge.lexical import terms
from knowledge.models import Answer, AnswerVector, EmbeddingSpace, LexicalEntry, Posting
from knowledge.spaces import space_of

BATCH = 32


def index(answers: Sequence[Answer], embedder: Embedder) -> None:
    """Write what search needs for these answers, in one transaction.

    Raises EmbedderError before anything is written.
    """
    space = space_of(embedder)
    embeddings = answer_vectors(answers, embedder)
    with transaction.atomic():
        write_vectors(answers, space, embeddings)
        write_terms(answers)


def index_missing(embedder: Embedder, progress: Callable[[int], None] = lambda _: None) -> int:
    """Index every published answer whose vector is missing or stale; how many there were.

    `progress` is told after each batch how many were done in it. Safe to run again after a kill.
    """
    space = space_of(embedder)
    waiting = list(unindexed(space).values_list("pk", flat=True))
    for keys in batches(waiting):
        index(list(Answer.objects.filter(pk__in=keys).prefetch_related("questions")), embedder)
        progress(len(keys))
    return len(waiting)


def unindexed(space: EmbeddingSpace) -> QuerySet[Answer]:
    """Published answers that search cannot find as they are now."""
    fresh = AnswerVector.objects.filter(
        answer=OuterRef("pk"), space=space, content_hash=OuterRef("content_hash")
    )
    entries = LexicalEntry.objects.filter(answer=OuterRef("pk"))
    published = Answer.objects.filter(status=Answer.Status.PUBLISHED)
    return published.exclude(Exists(fresh) & Exists(entries)).order_by("pk")


def forget_terms(answers: QuerySet[Answer]) -> None:
    """Take answers out of BM25's statistics; their vectors stay for when they come back."""
    Posting.objects.filter(answer__in=answers).delete()
    LexicalEntry.objects.filter(answer__in=answers).delete()


def answer_vectors(answers: Sequence[Answer], embedder: Embedder) -> Vectors:
    """One vector a row. Equal texts are embedded once."""
    wordings = [[question.text for question in answer.questions.all()] for answer in answers]
    wholes = [
        "\n".join([*texts[:1], answer.text])
        for texts, answer in zip(wordings, answers, strict=True)
    ]
    distinct = list(dict.fromkeys([*(text for texts in wordings for text in texts), *wholes]))
    embedded = dict(zip(distinct, embedder.embed_passages(distinct), strict=True))
    return normalized(
        np.stack(
            [
                np.mean([embedded[text] for text in texts or [whole]], axis=0) + embedded[whole]
                for texts, whole in zip(wordings, wholes, strict=True)
            ]
        )
    )


def write_vectors(answers: Sequence[Answer], space: EmbeddingSpace, embeddings: Vectors) -> None:
    AnswerVector.objects.bulk_create(
        [
            AnswerVector(
                answer=answer,
                space=space,
                content_hash=answer.content_hash,
                embedding=embedding.tolist(),
            )
            for answer, embedding in zip(answers, embeddings, strict=True)
        ],
        update_conflicts=True,
        unique_fields=["space", "answer"],
        update_fields=["content_hash", "embedding"],
    )


def write_terms(answers: Sequence[Answer]) -> None:
    counted = {answer.pk: terms(searchable_text(answer)) for answer in answers}
    Posting.objects.filter(answer__in=answers).delete()
    LexicalEntry.objects.filter(answer__in=answers).delete()
    LexicalEntry.objects.bulk_create(
        LexicalEntry(answer_id=key, length=counts.total()) for key, counts in counted.items()
    )
    Posting.objects.bulk_create(
        (
            Posting(answer_id=key, term=term, frequency=frequency)
            for key, counts in counted.items()
            for term, frequency in counts.items()
        ),
        batch_size=5_000,
    )


def searchable_text(answer: Answer) -> str:
    return "\n".join([*(question.text for question in answer.questions.all()), answer.text])


def batches(keys: Sequence[int]) -> Iterator[list[int]]:
    waiting = iter(keys)
    while batch := list(islice(waiting, BATCH)):
        yield batch
