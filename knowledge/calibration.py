"""Learns from the base itself which score means that an answer fits.

Examples of off-topic questions are searched for in the base. What they score is what chance scores
there, with this embedder and in this language: the bars are quantiles of it, a high one for what
is quoted as the answer. A search also compares its hits with the nearest examples themselves. No
constant of any model is needed.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from knowledge.embedders.base import Embedder, Vectors
from knowledge.models import Answer, EmbeddingSpace, OffTopicExample
from knowledge.plain_text import language_of
from knowledge.retrieval import LEXICAL_WEIGHT, Query, find
from knowledge.spaces import space_of

EXAMPLES = Path(__file__).parent / "off_topic"
BAR_QUANTILE = 0.4
CLEAR_QUANTILE = 0.9
"""Of what off-topic examples score; a wrong answer quoted as if sure is the worst reply of all."""
SPREAD_SAMPLE = 200
GROWTH = 0.1
"""Calibrate again when the number of published answers has changed by this share."""

SPREAD = """
WITH sample AS (
    SELECT a.id, a.locale, v.embedding
    FROM knowledge_answervector v JOIN knowledge_answer a ON a.id = v.answer_id
    WHERE v.space_id = %(space)s AND a.status = 'published' AND a.content_hash = v.content_hash
    ORDER BY md5(a.uid::text)
    LIMIT %(sample)s
)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY deviation)
FROM (
    SELECT stddev_pop(1 - (x.embedding <=> y.embedding)) AS deviation
    FROM sample x JOIN sample y ON y.locale = x.locale AND y.id <> x.id
    GROUP BY x.id
) deviations
"""


def calibrate_if_needed(embedder: Embedder) -> bool:
    """Calibrate a space that was never calibrated or whose base changed in size; whether it was."""
    space = space_of(embedder)
    answers = Answer.objects.filter(status=Answer.Status.PUBLISHED).count()
    change = abs(answers - space.calibrated_answers)
    if not answers or (space.calibrated_at and change <= GROWTH * space.calibrated_answers):
        return False
    calibrate(embedder)
    return True


def calibrate(embedder: Embedder) -> EmbeddingSpace:
    """Learn the bars and the spread of the active space. Raises EmbedderError, changing nothing."""
    space = space_of(embedder)
    texts = off_topic_texts()
    queries = embedder.embed_queries(texts)
    passages = embedder.embed_passages(texts)
    with transaction.atomic():
        store_examples(space, texts, passages)
        scores = off_topic_scores(space, texts, queries)
        space.bars = quantiles(scores, BAR_QUANTILE)
        space.clear_bars = quantiles(scores, CLEAR_QUANTILE)
        space.spread = spread(space)
        space.calibrated_at = timezone.now()
        space.calibrated_answers = Answer.objects.filter(status=Answer.Status.PUBLISHED).count()
        space.save()
    return space


def off_topic_texts() -> list[str]:
    """One example a line, a file a language."""
    lines = (line for path in sorted(EXAMPLES.glob("*.txt")) for line in read_lines(path))
    return list(dict.fromkeys(lines))


def read_lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]


def store_examples(space: EmbeddingSpace, texts: Sequence[str], vectors: Vectors) -> None:
    OffTopicExample.objects.filter(space=space).delete()
    OffTopicExample.objects.bulk_create(
        OffTopicExample(space=space, text=text, embedding=vector.tolist())
        for text, vector in zip(texts, vectors, strict=True)
    )


def off_topic_scores(
    space: EmbeddingSpace, texts: Sequence[str], queries: Vectors
) -> dict[str, list[float]]:
    """By language, the raw score of the best hit of each off-topic example."""
    scores: dict[str, list[float]] = {}
    for text, vector in zip(texts, queries, strict=True):
        for hit in find(Query(text=text, vector=vector, space=space), top_k=1).hits:
            scores.setdefault(language_of(text), []).append(hit.score * (1 + LEXICAL_WEIGHT))
    return scores


def quantiles(scores: dict[str, list[float]], share: float) -> dict[str, float]:
    return {language: float(np.quantile(found, share)) for language, found in scores.items()}


def spread(space: EmbeddingSpace) -> float:
    """How far apart the answers of one language lie, as a standard deviation of cosines."""
    with connection.cursor() as cursor:
        cursor.execute(SPREAD, {"space": space.pk, "sample": SPREAD_SAMPLE})
        (deviation,) = cursor.fetchone() or (None,)
    return float(deviation or 0)
