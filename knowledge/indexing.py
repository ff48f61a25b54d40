"""Makes answers findable: their vectors in the active space and their terms for BM25.

An answer has one vector: the normalised sum of the mean passage embedding of its wordings and the
passage embedding of its title with its text. Averaging the wordings beats taking the best of them,
which lets one colloquial wording attract every colloquial question.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from pgvector import HalfVector

from knowledge import wiring
from knowledge.bulk_copy import copy_rows
from knowledge.embedders.base import Embedder, Vector, Vectors, normalized
from knowledge.embedders.remembering import RememberingEmbedder
from knowledge.lexical import terms
from knowledge.models import Answer, AnswerVector, EmbeddingSpace, LexicalEntry, Posting
from knowledge.spaces import ensure_index, hold_active, space_of

BATCH = 32
WORDING_WEIGHT = 2
"""What a question says it is about counts more than what its answer mentions."""

Progress = Callable[[int], None]
"""Told after each batch how many answers were done in it."""


def index(answers: Sequence[Answer], embedder: Embedder) -> None:
    """Write what search needs for these answers, in one transaction.

    `embedder` is the active space's. If another became active meanwhile, its embedder is asked
    too. Raises EmbedderError before anything is written.
    """
    space = space_of(embedder)
    embeddings = answer_vectors(answers, embedder)
    with transaction.atomic():
        active = hold_active(space)
        if active != space:
            embeddings = answer_vectors(answers, wiring.embedder_of(active.fingerprint))
        store(answers, active, embeddings)


def index_missing(embedder: Embedder, progress: Progress = lambda _: None) -> int:
    """Index every published answer whose vector is missing or stale; how many there were.

    Safe to run again after a kill, and beside edits.
    """
    space = space_of(embedder)
    waiting = list(unindexed(space).values_list("pk", flat=True))
    if waiting:
        remembering = RememberingEmbedder(embedder)
        for keys in batches(waiting):
            index(with_wordings(keys), remembering)
            progress(len(keys))
        ensure_index(space)
    return len(waiting)


def fill(
    space: EmbeddingSpace, embedder: Embedder, *, batch: int, progress: Progress = lambda _: None
) -> int:
    """Give every published answer its vector in a space, active or not; how many lacked it."""
    waiting = list(unindexed(space).values_list("pk", flat=True))
    for keys in batches(waiting, most=batch):
        answers = with_wordings(keys)
        embeddings = answer_vectors(answers, embedder)
        with transaction.atomic():
            store(answers, space, embeddings)
        progress(len(keys))
    return len(waiting)


def with_wordings(keys: Sequence[int]) -> list[Answer]:
    return list(Answer.objects.filter(pk__in=keys).order_by("pk").prefetch_related("questions"))


def unindexed(space: EmbeddingSpace) -> QuerySet[Answer]:
    """Published answers that search cannot find as they are now."""
    fresh = AnswerVector.objects.filter(
        answer=OuterRef("pk"), space=space, content_hash=OuterRef("content_hash")
    )
    entries = LexicalEntry.objects.filter(answer=OuterRef("pk"))
    published = Answer.objects.filter(status=Answer.Status.PUBLISHED)
    return published.exclude(Exists(fresh) & Exists(entries)).order_by("pk")


def answer_vectors(answers: Sequence[Answer], embedder: Embedder) -> Vectors:
    """One vector a row. Equal texts are embedded once."""
    return vectors([(wordings_of(answer), answer.text) for answer in answers], embedder)


def wordings_of(answer: Answer) -> list[str]:
    return [question.text for question in answer.questions.all()]


def vectors(contents: Sequence[tuple[Sequence[str], str]], embedder: Embedder) -> Vectors:
    """Of wordings with the text that replies to them, one a row."""
    wholes = ["\n".join([*wordings[:1], text]) for wordings, text in contents]
    asked = (wording for wordings, _ in contents for wording in wordings)
    distinct = list(dict.fromkeys([*asked, *wholes]))
    embedded = dict(zip(distinct, embedder.embed_passages(distinct), strict=True))
    return normalized(
        np.stack(
            [
                np.mean([embedded[text] for text in wordings or [whole]], axis=0) + embedded[whole]
                for (wordings, _), whole in zip(contents, wholes, strict=True)
            ]
        )
    )


def store(answers: Sequence[Answer], space: EmbeddingSpace, embeddings: Vectors) -> None:
    """Write the vectors and terms of those that still say what was embedded. In a transaction.

    One that was edited or withdrawn meanwhile is left to whoever did that.
    """
    unchanged = still_saying(answers)
    pairs = [
        (answer, embedding)
        for answer, embedding in zip(answers, embeddings, strict=True)
        if unchanged.get(answer.pk) == answer.content_hash
    ]
    store_vectors(pairs, space)
    store_terms([answer for answer, _ in pairs])


def still_saying(answers: Sequence[Answer]) -> dict[int, str]:
    """The hashes of the published ones, which nobody else changes before the transaction ends."""
    keys = [answer.pk for answer in answers]
    published = Answer.objects.filter(pk__in=keys, status=Answer.Status.PUBLISHED)
    locked = published.order_by("pk").select_for_update(no_key=True)
    return dict(locked.values_list("pk", "content_hash"))


def store_vectors(pairs: Sequence[tuple[Answer, Vector]], space: EmbeddingSpace) -> None:
    keys = [answer.pk for answer, _ in pairs]
    AnswerVector.objects.filter(space=space, answer__in=keys).delete()
    copy_rows(
        AnswerVector._meta.db_table,
        {"answer_id": "int8", "space_id": "int8", "content_hash": "text", "embedding": "halfvec"},
        (
            (answer.pk, space.pk, answer.content_hash, HalfVector(embedding))
            for answer, embedding in pairs
        ),
    )


def store_terms(answers: Sequence[Answer]) -> None:
    counted = {answer.pk: weighted_terms(wordings_of(answer), answer.text) for answer in answers}
    forget_terms(counted)
    copy_rows(
        LexicalEntry._meta.db_table,
        {"answer_id": "int8", "length": "int4"},
        ((key, counts.total()) for key, counts in counted.items()),
    )
    copy_rows(
        Posting._meta.db_table,
        {"answer_id": "int8", "term": "text", "frequency": "int4", "length": "int4"},
        (
            (key, term, frequency, counts.total())
            for key, counts in counted.items()
            for term, frequency in counts.items()
        ),
    )


def forget_terms(keys: Collection[int]) -> None:
    """Take answers out of BM25's statistics; their vectors stay for when they come back."""
    Posting.objects.filter(answer__in=keys).delete()
    LexicalEntry.objects.filter(answer__in=keys).delete()


def weighted_terms(wordings: Iterable[str], text: str) -> Counter[str]:
    """How often each term occurs, where an occurrence in a wording is WORDING_WEIGHT ones."""
    counts = terms(text)
    for term, frequency in terms("\n".join(wordings)).items():
        counts[term] += WORDING_WEIGHT * frequency
    return counts


def batches(keys: Sequence[int], *, most: int = BATCH) -> Iterator[list[int]]:
    waiting = iter(keys)
    while batch := list(islice(waiting, most)):
        yield batch
