"""The one search over the experts' published answers, for chat, admin and evaluation alike.

A hit's raw score is `cosine + LEXICAL_WEIGHT * bm25 / (bm25 + LEXICAL_HALF)`: an absolute scale
that a bar can be set on, which rank fusion does not have. docs/architecture.md has the figures.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from django.db import connection
from django.utils import timezone

from knowledge.embedders.base import Embedder, Vector
from knowledge.lexical import terms
from knowledge.models import EmbeddingSpace
from knowledge.plain_text import language_of
from knowledge.search_sql import SEARCH
from knowledge.spaces import space_of

LEXICAL_WEIGHT = 0.1
LEXICAL_HALF = 20.0
EXACT_UP_TO = 20_000
"""Vectors: below this the whole space is compared, with full recall, in under 10 ms."""
CLEAR_LEAD = 1.2
"""Spreads by which the best hit must lead the second to be quoted as the answer."""
CANDIDATES = 100
NEAREST_EXAMPLES = 3
"""Off-topic examples that a question is compared with."""
MAX_TOP_K = 100

Fit = Literal["clear", "near", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is searched for: the visitor's words and their query vector."""

    text: str
    vector: Vector
    space: EmbeddingSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A published answer near the query. `score` is 0–1; `rank` counts from 1."""

    uid: UUID
    version: int
    title: str
    text: str
    locale: str
    topic: str
    verbatim: bool
    expert_name: str
    expert_role: str
    basis_url: str
    reviewed_at: date | None
    review_by: date | None
    score: float
    rank: int
    exact: bool
    """One of its wordings is the query itself."""

    @property
    def overdue(self) -> bool:
        return self.review_by is not None and self.review_by < timezone.now().date()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Hits, best first, and the score that the first of them had to reach to count.

    `fit` is "none" when it did not; "clear" when it scores as off-topic questions hardly ever do
    and stands well apart from the second, or is asked for word by word; "near" when it takes a
    reader to choose.
    """

    hits: tuple[Hit, ...]
    bar: float
    fit: Fit


def search(text: str, embedder: Embedder, *, top_k: int = 8) -> SearchResult:
    """Find published answers. Raises EmbedderError; blocks, so call it in a worker thread."""
    return find(query(text, embedder), top_k=top_k)


def query(text: str, embedder: Embedder) -> Query:
    """The slow half of a search (the embedder); holds no database connection meanwhile."""
    vector = embedder.embed_queries([text])[0]
    return Query(text=text, vector=vector, space=space_of(embedder))


def find(query: Query, *, top_k: int = 8) -> SearchResult:
    """The half of a search that the database does, in one statement."""
    if not 1 <= top_k <= MAX_TOP_K:
        raise ValueError(f"top_k must be between 1 and {MAX_TOP_K}.")
    with connection.cursor() as cursor:
        cursor.execute(statement(query.space), parameters(query, top_k))
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    off_topic = max((row.pop("off_topic") or 0.0 for row in rows), default=0.0)
    hits = tuple(
        Hit(**{**row, "rank": rank, "score": unit(row["score"])})
        for rank, row in enumerate(rows, start=1)
    )
    language = language_of(query.text)
    bar = unit(max(off_topic, query.space.bars.get(language, 0.0)))
    clear_bar = unit(max(off_topic, query.space.clear_bars.get(language, 0.0)))
    lead = unit(CLEAR_LEAD * query.space.spread)
    return SearchResult(hits=hits, bar=bar, fit=fit(hits, bar, clear_bar=clear_bar, lead=lead))


def fit(hits: tuple[Hit, ...], bar: float, *, clear_bar: float, lead: float) -> Fit:
    """All on the scale 0–1; `lead` is how far the best must stand above the second."""
    if not hits or (hits[0].score < bar and not hits[0].exact):
        return "none"
    leads = len(hits) > 1 and hits[0].score - hits[1].score >= lead > 0
    clear = hits[0].exact or (leads and hits[0].score >= clear_bar)
    return "clear" if clear else "near"


def unit(raw_score: float) -> float:
    """A raw score on the scale 0–1."""
    return min(1.0, max(0.0, raw_score / (1 + LEXICAL_WEIGHT)))


def statement(space: EmbeddingSpace) -> str:
    """The search with or without the space's HNSW index.

    The index is on `embedding::halfvec(dimensions)`; without that cast the planner cannot use it.
    """
    embedding = "v.embedding"
    if estimated_vectors() > EXACT_UP_TO:
        embedding = f"v.embedding::halfvec({space.dimensions:d})"
    return SEARCH.format(embedding=embedding, space=f"{space.pk:d}")


def estimated_vectors() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = 'knowledge_answervector'::regclass"
        )
        (rows,) = cursor.fetchone() or (0,)
    return int(rows)


def parameters(query: Query, top_k: int) -> dict[str, Any]:
    return {
        "vector": str(query.vector.tolist()),
        "terms": list(terms(query.text)),
        "text": query.text,
        "candidates": max(CANDIDATES, top_k),
        "top_k": top_k,
        "lexical_weight": LEXICAL_WEIGHT,
        "lexical_half": LEXICAL_HALF,
    }
