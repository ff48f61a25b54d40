"""The turn's search, on the knowledge app."""

import logging
from collections.abc import Callable

from django.db import DatabaseError

from chat.database import in_database, in_embedder
from chat.turn.events import Source
from chat.turn.expert_search import Findings, FoundAnswer, SearchUnavailableError
from knowledge import retrieval
from knowledge.embedders.base import Embedder, EmbedderError
from knowledge.rerankers.base import Reranker
from knowledge.reranking import depth, reranked
from knowledge.retrieval import Hit, Query, SearchResult

TOP_K = 6
TITLE_CHARACTERS = 60
"""Of its text, where an answer has no wording of a question."""

logger = logging.getLogger(__name__)


class KnowledgeSearch:
    """Implements ExpertSearch. `embedder` is asked for with each search: it may change."""

    def __init__(
        self, embedder: Callable[[], Embedder], reranker: Callable[[], Reranker | None]
    ) -> None:
        self._embedder = embedder
        self._reranker = reranker

    async def search(self, question: str, *, earlier: tuple[str, ...] = ()) -> Findings:
        try:
            query = await in_embedder(self._query, question, earlier)
            reranker = self._reranker()
            result = await in_database(retrieval.find, query, top_k=depth(TOP_K, reranker))
        except (EmbedderError, DatabaseError) as error:
            logger.warning("search unavailable: %s", type(error).__name__)
            raise SearchUnavailableError from error
        if reranker:
            result = await in_embedder(reranked, result, reranker, top_k=TOP_K)
        return findings(result, space=query.space.fingerprint)

    def _query(self, question: str, earlier: tuple[str, ...]) -> Query:
        return retrieval.query(question, self._embedder(), earlier=earlier)


def findings(result: SearchResult, *, space: str) -> Findings:
    hits = () if result.fit == "none" else result.hits
    sure = result.hits[:1] if result.certain or result.fit == "clear" else ()
    return Findings(
        answers=tuple(found(hit, certain=hit in sure) for hit in hits),
        fit=result.fit,
        certain=result.certain,
        space=space,
    )


def found(hit: Hit, *, certain: bool) -> FoundAnswer:
    source = Source(
        answer=str(hit.uid),
        version=hit.version,
        title=hit.title or hit.text[:TITLE_CHARACTERS],
        expert=hit.expert_name,
        role=hit.expert_role,
        reviewed_at=hit.reviewed_at,
        overdue=hit.overdue,
        score=hit.score,
        text=hit.text,
        url=hit.basis_url or None,
        certain=certain,
    )
    return FoundAnswer(source=source, verbatim=hit.verbatim)
