"""Learns from the base itself which score means that an answer fits.

Examples of off-topic questions are searched for in the base. What they score is what chance scores
there, with this embedder and in this language: the bars are quantiles of it, a high one for what
is quoted as the answer. A search also compares its hits with the nearest examples themselves; by
how much the off-topic ones are nearer to an answer than to each other is learnt as well. No
constant of any model is needed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from knowledge.advisory_locks import BARS_LOCK, hold_alone
from knowledge.embedders.base import Embedder, Vectors
from knowledge.models import Answer, EmbeddingSpace, OffTopicExample
from knowledge.plain_text import language_of
from knowledge.retrieval import LEXICAL_WEIGHT, NEAREST_EXAMPLES, Query, filters, find
from knowledge.spaces import space_of

EXAMPLES = Path(__file__).parent / "off_topic"
BAR_QUANTILE = 0.5
CLEAR_QUANTILE = 0.9
"""Of what off-topic examples score; a wrong answer quoted as if sure is the worst reply of all."""
CERTAIN_DEVIATIONS = 3.25
"""Above the median margin of off-topic examples. An intervention must be right, so the bar is set
where hardly any of them is; counted in deviations, because their extremes are few and chance."""
DEVIATION_PER_MAD = 1.4826
"""Of a normal distribution: its standard deviation by its median absolute deviation."""
SPREAD_SAMPLE = 200
LEARNT = ("bars", "clear_bars", "certain_margins", "spread", "calibrated_at", "calibrated_answers")
"""Columns; the others are not ours to write: the space may become active meanwhile."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChanceHit:
    """What an off-topic example finds: a raw score, beside how similar it is to other examples."""

    language: str
    score: float
    similarity: float


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
    new = embedded(embedder, unknown(texts, space))
    with transaction.atomic():
        hold_alone(BARS_LOCK)
        store_examples(space, texts, new)
        chance = chance_hits(space, list(known_examples(space)))
        space.bars = by_language(chance, bar)
        space.clear_bars = by_language(chance, clear_bar)
        space.certain_margins = by_language(chance, certain_margin)
        space.spread = spread(space)
        space.calibrated_at = timezone.now()
        space.calibrated_answers = Answer.objects.filter(status=Answer.Status.PUBLISHED).count()
        space.save(update_fields=LEARNT)
    return space


def off_topic_texts() -> list[str]:
    """One example a line, a file a language."""
    lines = (line for path in sorted(EXAMPLES.glob("*.txt")) for line in read_lines(path))
    return list(dict.fromkeys(lines))


def read_lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]


def unknown(texts: Sequence[str], space: EmbeddingSpace) -> list[str]:
    """Those that the space does not hold yet: to embed them takes most of the time."""
    stored = set(known_examples(space).values_list("text", flat=True))
    return [text for text in texts if text not in stored]


def known_examples(space: EmbeddingSpace) -> QuerySet[OffTopicExample]:
    """With both vectors: earlier versions stored one."""
    return OffTopicExample.objects.filter(space=space).exclude(query_embedding=None)


def embedded(embedder: Embedder, texts: Sequence[str]) -> list[OffTopicExample]:
    """Examples without a space. Raises EmbedderError."""
    if not texts:
        return []
    vectors = zip(embedder.embed_queries(texts), embedder.embed_passages(texts), strict=True)
    return [
        OffTopicExample(text=text, query_embedding=query.tolist(), embedding=passage.tolist())
        for text, (query, passage) in zip(texts, vectors, strict=True)
    ]


def store_examples(
    space: EmbeddingSpace, texts: Sequence[str], new: Sequence[OffTopicExample]
) -> None:
    """The new ones beside what is there already, and none that is not among the texts any more."""
    OffTopicExample.objects.filter(space=space).exclude(text__in=texts).delete()
    for example in new:
        example.space = space
    OffTopicExample.objects.bulk_create(
        new,
        update_conflicts=True,
        unique_fields=["space", "text"],
        update_fields=["embedding", "query_embedding"],
    )


def similarities(queries: Vectors, passages: Vectors) -> list[float]:
    """How similar the other examples are to each, as a search would find if it were a question."""
    others = queries @ passages.T
    np.fill_diagonal(others, -np.inf)
    nearest = np.sort(others, axis=1)[:, -NEAREST_EXAMPLES:]
    return [float(mean) for mean in nearest.mean(axis=1)]


def chance_hits(space: EmbeddingSpace, examples: Sequence[OffTopicExample]) -> list[ChanceHit]:
    """The best hit of each off-topic example."""
    queries = np.array([example.query_embedding for example in examples], dtype=np.float32)
    passages = np.array([example.embedding for example in examples], dtype=np.float32)
    similar = similarities(queries, passages)
    return [
        ChanceHit(
            language=language_of(example.text),
            score=hit.score * (1 + LEXICAL_WEIGHT),
            similarity=similarity,
        )
        for example, vector, similarity in zip(examples, queries, similar, strict=True)
        for hit in find(
            Query(text=example.text, vector=vector, space=space, filters=filters(example.text)),
            top_k=1,
        ).hits
    ]


def by_language(
    chance: Sequence[ChanceHit], learn: Callable[[list[ChanceHit]], float]
) -> dict[str, float]:
    languages = sorted({hit.language for hit in chance})
    return {
        language: learn([hit for hit in chance if hit.language == language])
        for language in languages
    }


def bar(chance: list[ChanceHit]) -> float:
    return float(np.quantile([hit.score for hit in chance], BAR_QUANTILE))


def clear_bar(chance: list[ChanceHit]) -> float:
    return float(np.quantile([hit.score for hit in chance], CLEAR_QUANTILE))


def certain_margin(chance: list[ChanceHit]) -> float:
    """Where an off-topic margin is hardly ever; examples that are the topic here hardly move it."""
    margins = np.array([hit.score - hit.similarity for hit in chance])
    median = np.median(margins)
    deviation = DEVIATION_PER_MAD * np.median(np.abs(margins - median))
    return float(median + CERTAIN_DEVIATIONS * deviation)


def spread(space: EmbeddingSpace) -> float:
    """How far apart the answers of one language lie, as a standard deviation of cosines."""
    with connection.cursor() as cursor:
        cursor.execute(SPREAD, {"space": space.pk, "sample": SPREAD_SAMPLE})
        (deviation,) = cursor.fetchone() or (None,)
    return float(deviation or 0)
