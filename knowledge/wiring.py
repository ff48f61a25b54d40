"""The one place that chooses the embedder."""

from functools import cache

from django.conf import settings

from knowledge.embedders.base import Embedder
from knowledge.embedders.local import LocalEmbedder
from knowledge.embedders.openai_compatible import OpenAICompatibleEmbedder


@cache
def embedder() -> Embedder:
    """The embedder that the settings name; one a process."""
    if settings.EMBEDDER == "local":
        return LocalEmbedder()
    if settings.EMBEDDER == "minimax":
        # Importing it imports httpx2 (0.2 s of CPU), which the others here do without.
        from knowledge.embedders.minimax import MiniMaxEmbedder  # noqa: PLC0415

        return MiniMaxEmbedder(
            model=settings.EMBEDDING_MODEL,
            api_key=settings.MINIMAX_API_KEY,
            group_id=settings.MINIMAX_GROUP_ID,
            base_url=settings.EMBEDDING_BASE_URL,
            timeout_seconds=settings.EMBEDDING_SECONDS,
        )
    return OpenAICompatibleEmbedder(
        model=settings.EMBEDDING_MODEL,
        api_key=settings.EMBEDDING_API_KEY,
        base_url=settings.EMBEDDING_BASE_URL,
        dimensions=settings.EMBEDDING_DIMENSIONS,
        timeout_seconds=settings.EMBEDDING_SECONDS,
    )
