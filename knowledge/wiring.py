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
    return OpenAICompatibleEmbedder(
        model=settings.EMBEDDING_MODEL,
        api_key=settings.EMBEDDING_API_KEY,
        base_url=settings.EMBEDDING_BASE_URL,
        dimensions=settings.EMBEDDING_DIMENSIONS,
        timeout_seconds=settings.EMBEDDING_SECONDS,
    )
