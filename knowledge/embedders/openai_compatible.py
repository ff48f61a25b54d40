"""Embeddings from any OpenAI-compatible /v1/embeddings."""

import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from knowledge.embedders.base import EmbedderError, Vectors, normalized
from knowledge.embedders.batches import BATCH_TEXTS, RequestLimits, batches, in_flight

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import CreateEmbeddingResponse

OPENAI_URL = "https://api.openai.com/v1"
PASSAGE_RETRIES = 5
"""By the client, which waits as long as a server asks for, up to a minute. A question does not."""


class OpenAICompatibleEmbedder:
    """One client for all threads, built on first use (importing openai costs 0.9 s of CPU).

    `dimensions` is what the model is asked for; where it is 0 it gives what it likes, and the first
    answer tells. `expected_dimensions` are those of the space that the vectors are for: a model
    that likes others is asked for them (not all know how to be asked).
    """

    def __init__(
        self,
        *,
        model: str,
        api_key: str,
        base_url: str,
        dimensions: int,
        limits: RequestLimits,
        expected_dimensions: int = 0,
    ) -> None:
        self._model = model
        self._api_key = api_key or "none"  # local servers want no key, the client wants one
        self._base_url = base_url or OPENAI_URL  # else the client reads an environment variable
        self._asked_dimensions = dimensions
        self._dimensions = expected_dimensions or dimensions
        self._limits = limits
        self._batch_texts = BATCH_TEXTS
        self._lock = threading.Lock()
        self._client: OpenAI | None = None

    @property
    def dimensions(self) -> int:
        if not self._dimensions:
            self._dimensions = self._embed(["dimensions"], retries=0).shape[1]
        return self._dimensions

    @property
    def fingerprint(self) -> str:
        return f"openai/{self._model}/{self.dimensions}"

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, retries=0)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, retries=PASSAGE_RETRIES)

    def close(self) -> None:
        """Closes the connections. A later request opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client:
            client.close()

    def _embed(self, texts: Sequence[str], *, retries: int) -> Vectors:
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        requests = list(batches(texts, most=self._batch_texts))
        ask = partial(self._vectors, retries=retries)
        pieces = in_flight(ask, requests, most=self._limits.in_flight)
        if len({piece.shape[1] for piece in pieces}) > 1:
            raise EmbedderError("The embedding server gave vectors of unlike lengths.")
        return normalized(np.concatenate(pieces))

    def _vectors(self, batch: list[str], *, retries: int) -> Vectors:
        """One request's. A model that gives another dimension than expected is asked for that."""
        vectors = as_array(self._rows(batch, retries))
        if self._dimensions and vectors.shape[1] != self._dimensions and not self._asked_dimensions:
            self._asked_dimensions = self._dimensions
            vectors = as_array(self._rows(batch, retries))
        if vectors.shape != (len(batch), self._dimensions or vectors.shape[1]):
            raise EmbedderError("The embedding server gave vectors of another dimension.")
        return vectors

    def _rows(self, batch: list[str], retries: int) -> list[list[float]]:
        """One a text. A refused batch is tried in halves: DashScope takes 10 texts, no more."""
        import openai  # noqa: PLC0415  (0.9 s of CPU, and only with this embedder)

        try:
            reply = self._create(batch, retries)
            rows = sorted(reply.data, key=lambda item: item.index)
        except openai.BadRequestError as error:
            if len(batch) == 1:
                raise EmbedderError("The embedding server refused the request.") from error
            return self._halved(batch, retries)
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            raise EmbedderError("The embedding server did not answer with embeddings.") from error
        if len(rows) != len(batch):
            raise EmbedderError("The embedding server gave another number of vectors.")
        return [item.embedding for item in rows]

    def _halved(self, batch: list[str], retries: int) -> list[list[float]]:
        half = len(batch) // 2
        rows = self._rows(batch[:half], retries) + self._rows(batch[half:], retries)
        self._batch_texts = min(self._batch_texts, half)
        return rows

    def _create(self, batch: list[str], retries: int) -> "CreateEmbeddingResponse":
        import openai  # noqa: PLC0415  (as above)

        ask = partial(
            self._built().with_options(max_retries=retries).embeddings.create,
            model=self._model,
            input=batch,
            dimensions=self._asked_dimensions or openai.omit,
            encoding_format="float",  # the client asks for base64, which not all know
        )
        try:
            return ask()
        except (openai.APIConnectionError, openai.InternalServerError) as error:
            if retries or isinstance(error, openai.APITimeoutError):
                raise
            return ask()

    def _built(self) -> "OpenAI":
        from openai import OpenAI  # noqa: PLC0415  (as above)

        with self._lock:
            if self._client is None:
                self._client = OpenAI(
                    api_key=self._api_key,
                    base_url=self._base_url,
                    timeout=self._limits.seconds,
                )
            return self._client


def as_array(rows: list[list[float]]) -> Vectors:
    """Raises EmbedderError unless it is one vector a row, all of one length."""
    try:
        vectors = np.asarray(rows, dtype=np.float32)
    except (ValueError, TypeError) as error:
        raise EmbedderError("The embedding server gave vectors of unlike lengths.") from error
    if vectors.ndim != 2:  # noqa: PLR2004  (rows and their numbers)
        raise EmbedderError("The embedding server gave something that is not a vector.")
    return vectors
