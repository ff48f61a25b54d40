"""The one search over the experts' published answers, for chat, admin and evaluation alike.

A hit's raw score is `cosine + LEXICAL_WEIGHT * bm25 / (bm25 + LEXICAL_HALF)`: an absolute scale
that a bar can be set on, which rank fusion does not have. docs/architecture.md has the figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain, zip_longest
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from knowledge.bars import Bars, Fit, certain, fit
from knowledge.embedders.base import Embedder, Vector, normalized
from knowledge.lexical import terms
from knowledge.models import EmbeddingSpace
from knowledge.plain_text import language_of
from knowledge.search_sql import search_statement
from knowledge.spaces import space_of
from knowledge.vector_indexes import estimate

LEXICAL_WEIGHT = 0.1
LEXICAL_HALF = 20.0
NEAREST_EXAMPLES = 3
"""Off-topic examples that a question is compared with."""
EXACT_UP_TO = 20_000
"""Vectors: below this the whole space is compared, with full recall, in under 10 ms."""
CLEAR_LEAD = 1.2
"""Spreads by which the best hit must lead the second to be quoted as the answer."""
EARLIER_TURNS = 2
EARLIER_CHARACTERS = 500
"""Of each earlier turn, from its beginning."""
EARLIER_WEIGHT = 0.5
"""Of a term that only earlier turns have."""
CONTEXT_GAIN = 0.75
"""Spreads by which what was said before must bring the best hit nearer, to be what is meant."""
NEAREST = 50
"""Candidates by their vectors; what more would add hardly ever gets among the first ten."""
CANDIDATES = 50
"""By their terms."""
POSTINGS_READ = 2_000
"""For those candidates. With six thousand answers, 99 of 100 hits are those that reading all gives,
and as often right (docs/decisions/0016-search-speed.md)."""
MAX_TOP_K = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which of the published answers may be found; nothing given means any."""

    locale: str = ""
    topic: str = ""
    today: date | None = None
    """Withholds those that should have been reviewed again before this day."""

    def given(self) -> dict[str, str | date]:
        values = {"locale": self.locale, "topic": self.topic, "today": self.today}
        return {name: value for name, value in values.items() if value}


ANY = Filters()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is searched for: the visitor's words and their query vector."""

    text: str
    vector: Vector
    space: EmbeddingSpace
    filters: Filters = ANY
    earlier: str = ""
    """What `vector` also stands for: what the visitor said before."""
    in_context: "Query | None" = None
    """The same question together with what was said before it."""


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
    cosine: float
    """Of the vectors alone, without the share of the terms that the score has."""
    rank: int
    exact: bool
    """One of its wordings is the query itself."""

    @property
    def overdue(self) -> bool:
        return self.review_by is not None and self.review_by < timezone.now().date()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Hits, best first, and what the first of them had to score.

    `fit` is "none" when it does not count; "clear" when it scores as off-topic questions hardly
    ever do and stands well apart from the second, or is asked for word by word; "near" when it
    takes a reader to choose. `certain` tells that the question by itself is the experts' business
    beyond doubt.
    """

    hits: tuple[Hit, ...]
    bars: Bars
    fit: Fit
    certain: bool
    asked: str
    """What was searched for: the question, with what was said before it if that counted."""


def search(text: str, embedder: Embedder, *, top_k: int = 8, topic: str = "") -> SearchResult:
    """Find published answers. Raises EmbedderError; blocks, so call it in a worker thread."""
    return find(query(text, embedder, topic=topic), top_k=top_k)


def query(text: str, embedder: Embedder, *, earlier: Sequence[str] = (), topic: str = "") -> Query:
    """The slow half of a search (the embedder); holds no database connection meanwhile.

    `earlier` is what the visitor said before in the conversation, oldest first.
    """
    before = "\n".join(turn[:EARLIER_CHARACTERS] for turn in earlier[-EARLIER_TURNS:])
    vectors = embedder.embed_queries([text, f"{before}\n{text}"] if before else [text])
    alone = Query(
        text=text, vector=vectors[0], space=space_of(embedder), filters=filters(text, topic)
    )
    if not before:
        return alone
    both = normalized(vectors[0] + vectors[1])
    return replace(alone, in_context=replace(alone, vector=both, earlier=before))


def filters(text: str, topic: str = "") -> Filters:
    """What the settings let a question find."""
    same_language = settings.ANSWER_LANGUAGES == "same"
    return Filters(
        locale=language_of(text) if same_language else "",
        topic=topic,
        today=timezone.now().date() if settings.WITHHOLD_OVERDUE else None,
    )


def find(query: Query, *, top_k: int = 8) -> SearchResult:
    """The half of a search that the database does, in one statement, for some follow-ups in two.

    What was said before counts only where the question by itself decides nothing. A clear question
    stands alone, and what fits no answer must not borrow a subject to be off-topic with.
    """
    if not 1 <= top_k <= MAX_TOP_K:
        raise ValueError(f"top_k must be between 1 and {MAX_TOP_K}.")
    alone = find_as_it_is(query, top_k)
    if query.in_context is None or alone.fit != "near":
        return alone
    in_context = find_as_it_is(query.in_context, top_k)
    gain = in_context.hits[0].cosine - alone.hits[0].cosine
    if in_context.fit == "none" or gain < CONTEXT_GAIN * query.space.spread:
        return alone
    hits = taking_turns(in_context.hits, alone.hits)[:top_k]
    return replace(in_context, hits=hits, certain=alone.certain)


def find_as_it_is(query: Query, top_k: int) -> SearchResult:
    with connection.cursor() as cursor:
        cursor.execute(statement(query), parameters(query, top_k))
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    off_topic = max((row.pop("off_topic") or 0.0 for row in rows), default=0.0)
    hits = tuple(
        Hit(**{**row, "rank": rank, "score": unit(row["score"])})
        for rank, row in enumerate(rows, start=1)
    )
    bars = bars_of(query, off_topic)
    scores, exact = [hit.score for hit in hits], bool(hits) and hits[0].exact
    return SearchResult(
        hits=hits,
        bars=bars,
        fit=fit(scores, bars, exact=exact),
        certain=certain(scores, bars, exact=exact),
        asked="\n".join(text for text in (query.earlier, query.text) if text),
    )


def bars_of(query: Query, off_topic: float) -> Bars:
    """`off_topic` is how similar the question is to the nearest examples."""
    space, language = query.space, language_of(query.text)
    near = max(off_topic, space.bars.get(language, 0.0))
    margin = space.certain_margins.get(language)
    return Bars(
        near=unit(near),
        clear=unit(max(off_topic, space.clear_bars.get(language, 0.0))),
        lead=unit(CLEAR_LEAD * space.spread),
        certain=None if margin is None else unit(max(near, off_topic + margin)),
    )


def taking_turns(first: Sequence[Hit], second: Sequence[Hit]) -> tuple[Hit, ...]:
    """The best of both lists in turn, each answer once, ranked anew."""
    hits = {hit.uid: hit for hit in chain(*zip_longest(first, second)) if hit is not None}
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits.values(), start=1))


def unit(raw_score: float) -> float:
    """A raw score on the scale 0–1."""
    return min(1.0, max(0.0, raw_score / (1 + LEXICAL_WEIGHT)))


def statement(query: Query) -> str:
    """The search with or without the space's HNSW index.

    The index is on `embedding::halfvec(dimensions)`; without that cast the planner cannot use it.
    """
    embedding = "v.embedding"
    if estimate.vectors() > EXACT_UP_TO:
        embedding = f"v.embedding::halfvec({query.space.dimensions:d})"
    return search_statement(
        embedding=embedding, space=query.space.pk, filters=query.filters.given()
    )


def parameters(query: Query, top_k: int) -> dict[str, Any]:
    weights = dict.fromkeys(terms(query.earlier), EARLIER_WEIGHT)
    weights |= dict.fromkeys(terms(query.text), 1.0)
    return {
        "vector": f"[{','.join(f'{value:.5g}' for value in query.vector.tolist())}]",
        "terms": list(weights),
        "weights": list(weights.values()),
        "text": query.text,
        "nearest": max(NEAREST, top_k),
        "candidates": max(CANDIDATES, top_k),
        "postings": POSTINGS_READ,
        "nearest_examples": NEAREST_EXAMPLES,
        "top_k": top_k,
        "lexical_weight": LEXICAL_WEIGHT,
        "lexical_half": LEXICAL_HALF,
        **query.filters.given(),
    }
