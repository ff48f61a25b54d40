"""An embedder that gives a text it has seen lately its vector again."""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from knowledge.embedders.base import Embedder, Vector, Vectors

REMEMBERED_BYTES = 64 * 1024 * 1024


class RememberingEmbedder:
    """For one long run in one thread, where answers share wordings: each is embedded once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: OrderedDict[bytes, Vector] = OrderedDict()
        self._most = max(REMEMBERED_BYTES // (4 * embedder.dimensions), 1)

    @property
    def fingerprint(self) -> str:
        return self._embedder.fingerprint

    @property
    def dimensions(self) -> int:
        return self._embedder.dimensions

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embedder.embed_queries(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        keys = [blake2b(text.encode(), digest_size=16).digest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        vectors = {key: self._known[key] for key in keys if key in self._known}
        if new:
            embedded = self._embedder.embed_passages(list(new.values()))
            vectors |= zip(new, embedded, strict=True)
        self._remember(vectors)
        rows = [vectors[key] for key in keys]
        return np.reshape(np.array(rows, dtype=np.float32), (len(texts), self.dimensions))

    def _remember(self, vectors: dict[bytes, Vector]) -> None:
        self._known |= vectors
        for key in vectors:
            self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
