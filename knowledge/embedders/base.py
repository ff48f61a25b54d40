"""The seam to an embedding model."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
"""One vector of unit length, shape (dimensions,)."""

Vectors = NDArray[np.float32]
"""A vector a row, each of unit length, shape (texts, dimensions)."""


class EmbedderError(Exception):
    """The embedder failed or gave something that is not a vector. Says nothing of the text."""


class Embedder(Protocol):
    """Two methods, because asymmetric models are the rule: what is stored and what is asked differ.

    Both block; call them in a worker thread. They raise EmbedderError and nothing else. Texts must
    be `plain_text.storable`; the model cuts or windows a long one.
    """

    @property
    def fingerprint(self) -> str:
        """Names model, dimension and input types: vectors compare only where it is the same."""
        ...

    @property
    def dimensions(self) -> int: ...

    def embed_queries(self, texts: Sequence[str]) -> Vectors: ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors: ...


def normalized(vectors: Vectors) -> Vectors:
    """Rows scaled to unit length. Raises EmbedderError for a row that has no direction."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
        raise EmbedderError("The embedder gave a vector without a direction.")
    return np.asarray(vectors / lengths, dtype=np.float32)
