"""Embeddings from any OpenAI-compatible /v1/embeddings."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from knowledge.embedders.base import EmbedderError, Vectors, normalized

if TYPE_CHECKING:
    from openai import OpenAI

OPENAI_URL = "https://api.openai.com/v1"
BATCH = 64


class OpenAICompatibleEmbedder:
    """One client for all threads, built on first use (importing openai costs 0.9 s of CPU).

    `dimensions` is what the model gives; where it is 0 the first answer tells.
    """

    def __init__(
        self, *, model: str, api_key: str, base_url: str, dimensions: int, timeout_seconds: float
    ) -> None:
        self._model = model
        self._api_key = api_key or "none"  # local servers want no key, the client wants one
        self._base_url = base_url or OPENAI_URL  # else the client reads an environment variable
        self._asked_dimensions = dimensions
        self._dimensions = dimensions
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._client: OpenAI | None = None

    @property
    def dimensions(self) -> int:
        if not self._dimensions:
            self._dimensions = self._embed(["dimensions"]).shape[1]
        return self._dimensions

    @property
    def fingerprint(self) -> str:
        return f"openai/{self._model}/{self.dimensions}"

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        rows = [row for batch in batches for row in self._request(batch)]
        try:
            vectors = np.asarray(rows, dtype=np.float32)
        except ValueError as error:
            raise EmbedderError("The embedding server gave vectors of unlike lengths.") from error
        if vectors.shape != (len(texts), self._dimensions or len(rows[0])):
            raise EmbedderError("The embedding server gave vectors of another dimension.")
        return normalized(vectors)

    def _request(self, batch: Sequence[str]) -> list[list[float]]:
        import openai  # noqa: PLC0415  (0.9 s of CPU, and only with this embedder)

        client = self._built()
        dimensions = self._asked_dimensions or openai.omit
        try:
            reply = client.embeddings.create(
                model=self._model, input=list(batch), dimensions=dimensions
            )
            rows = sorted(reply.data, key=lambda item: item.index)
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            raise EmbedderError("The embedding server did not answer with embeddings.") from error
        if len(rows) != len(batch):
            raise EmbedderError("The embedding server gave another number of vectors.")
        return [item.embedding for item in rows]

    def _built(self) -> "OpenAI":
        from openai import OpenAI  # noqa: PLC0415  (as above)

        with self._lock:
            if self._client is None:
                self._client = OpenAI(
                    api_key=self._api_key,
                    base_url=self._base_url,
                    timeout=self._timeout_seconds,
                    max_retries=1,
                )
            return self._client
