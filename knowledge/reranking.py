"""The second stage of a search: a reranker puts the hits of the first in order.

It changes nothing but their order. What it calls relevant is on no scale that a bar could be learnt
for, so scores, bars and whether the question is the experts' business stay the first stage's. It
can take `clear` away, by putting another answer first, and never give it.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from knowledge.metrics import RERANKINGS
from knowledge.rerankers.base import Reranker, RerankerError
from knowledge.rerankers.resting import RestingError
from knowledge.retrieval import Hit, SearchResult

RERANKED = 20
"""Hits, at most: each costs the reranker time while a visitor waits."""

logger = logging.getLogger(__name__)


def depth(top_k: int, reranker: Reranker | None) -> int:
    """How many hits to search for, so that the best `top_k` can be among them."""
    return top_k if reranker is None else max(top_k, RERANKED)


def reranked(result: SearchResult, reranker: Reranker | None, *, top_k: int) -> SearchResult:
    """The result in the reranker's order, cut to `top_k`; as it is if the reranker fails.

    A question that nothing fits, or that is asked for word by word, is decided already: nobody
    waits for it, and small talk is not sent anywhere. Blocks for as long as the reranker does, and
    asks no database: call it in a worker thread and in no transaction.
    """
    first, rest = result.hits[:RERANKED], result.hits[RERANKED:]
    decided = result.fit == "none" or any(hit.exact for hit in first)
    ratings = relevance(result.asked, first, reranker) if reranker and not decided else None
    if ratings is None:
        return replace(result, hits=result.hits[:top_k])
    ordered = by_relevance(first, ratings)
    agreed = ordered[0].uid == first[0].uid
    hits = (*led(ordered, result.bars.near), *rest)[:top_k]
    return replace(
        result,
        hits=tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1)),
        fit=result.fit if agreed else "near",
    )


def relevance(question: str, hits: Sequence[Hit], reranker: Reranker) -> list[float] | None:
    """None where there is nothing to order, or the reranker fails."""
    if len(hits) < 2:  # noqa: PLR2004  (one is in order)
        return None
    try:
        ratings = reranker.rerank(question, [f"{hit.title}\n{hit.text}".strip() for hit in hits])
    except RestingError:
        RERANKINGS.labels("resting").inc()
        return None
    except RerankerError as error:
        RERANKINGS.labels("failed").inc()
        logger.warning("reranker failed: %s", error)  # its sentence is for the operator
        return None
    RERANKINGS.labels("reranked").inc()
    return ratings


def by_relevance(hits: Sequence[Hit], ratings: Sequence[float]) -> list[Hit]:
    """The most relevant first; of equals, the one that was before."""
    order = sorted(range(len(hits)), key=lambda place: -ratings[place])
    return [hits[place] for place in order]


def led(ordered: Sequence[Hit], bar: float) -> list[Hit]:
    """With the first that reaches the bar in front: what leads a result counts by itself."""
    leader = next((hit for hit in ordered if hit.score >= bar), ordered[0])
    return [leader, *(hit for hit in ordered if hit.uid != leader.uid)]
