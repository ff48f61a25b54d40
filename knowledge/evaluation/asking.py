"""Asks the queries of an evaluation set as chat does, and notes what was found."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from knowledge import wiring
from knowledge.bars import Fit
from knowledge.embedders.base import Embedder
from knowledge.evaluation.sets import EvaluationSetError, JudgedQuery
from knowledge.models import Answer, shortened
from knowledge.reranking import depth, reranked
from knowledge.retrieval import SearchResult, find, query

DEPTH = 10
"""Hits that are looked at."""
KEYS_AT_ONCE = 5_000
UNKNOWN_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One hit: its external id and its title."""

    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one query found, best first.

    `margin` is what answering is decided by: how far above its bar the best hit scores, between -1
    (nothing found) and 1 (asked for word by word).
    """

    query: JudgedQuery
    found: tuple[Found, ...]
    fit: Fit
    bar: float
    margin: float
    milliseconds: float

    @property
    def answered(self) -> bool:
        return self.fit != "none"

    @property
    def relevance(self) -> list[bool]:
        """Of each hit in turn, whether it replies to the query."""
        return [hit.id in self.query.relevant for hit in self.found]

    @property
    def rank(self) -> int | None:
        """Of the first hit that replies, counted from 1; None if none does."""
        return next((rank for rank, hit in enumerate(self.relevance, start=1) if hit), None)


def ask(
    queries: Sequence[JudgedQuery],
    embedder: Embedder,
    *,
    progress: Callable[[int, int], None],
) -> list[Outcome]:
    """One search a query. Raises EmbedderError."""
    searched(queries[0], embedder)  # what only the first one costs is no query's time
    results: list[tuple[SearchResult, float]] = []
    for asked in queries:
        began = time.perf_counter()
        result = searched(asked, embedder)
        results.append((result, 1000 * (time.perf_counter() - began)))
        progress(len(results), len(queries))
    names = external_ids(hit.uid for result, _ in results for hit in result.hits)
    return [
        outcome(asked, result, milliseconds, names)
        for asked, (result, milliseconds) in zip(queries, results, strict=True)
    ]


def searched(asked: JudgedQuery, embedder: Embedder) -> SearchResult:
    reranker = wiring.reranker()
    result = find(query(asked.text, embedder, earlier=asked.earlier), top_k=depth(DEPTH, reranker))
    return reranked(result, reranker, top_k=DEPTH)


def outcome(
    asked: JudgedQuery, result: SearchResult, milliseconds: float, names: dict[UUID, str]
) -> Outcome:
    return Outcome(
        query=asked,
        found=tuple(
            Found(id=names[hit.uid], title=hit.title or shortened(hit.text)) for hit in result.hits
        ),
        fit=result.fit,
        bar=result.bars.near,
        margin=margin(result),
        milliseconds=milliseconds,
    )


def margin(result: SearchResult) -> float:
    if not result.hits:
        return -1.0
    if result.hits[0].exact:
        return 1.0
    return max(hit.score for hit in result.hits) - result.bars.near


def external_ids(uids: Iterable[UUID]) -> dict[UUID, str]:
    wanted = list(set(uids))
    return {
        uid: name
        for start in range(0, len(wanted), KEYS_AT_ONCE)
        for uid, name in Answer.objects.filter(
            uid__in=wanted[start : start + KEYS_AT_ONCE]
        ).values_list("uid", "external_id")
    }


def titles(queries: Iterable[JudgedQuery]) -> dict[str, str]:
    """Of the published answers that the queries name. Raises EvaluationSetError if one is not."""
    wanted = sorted({name for query in queries for name in query.relevant})
    known: dict[str, str] = {}
    for start in range(0, len(wanted), KEYS_AT_ONCE):
        answers = Answer.objects.filter(
            external_id__in=wanted[start : start + KEYS_AT_ONCE], status=Answer.Status.PUBLISHED
        ).prefetch_related("questions")
        known |= {answer.external_id: title(answer) for answer in answers}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        shown = ", ".join(unknown[:UNKNOWN_SHOWN])
        raise EvaluationSetError(
            f"{len(unknown):,} of the relevant ids are no published answer's: {shown}"
            f"{' …' if len(unknown) > UNKNOWN_SHOWN else ''}"
        )
    return known


def title(answer: Answer) -> str:
    return next((question.text for question in answer.questions.all()), shortened(answer.text))
