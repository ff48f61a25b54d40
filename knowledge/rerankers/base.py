"""The seam to a model that reads a question and a text together: the second stage of a search."""

from collections.abc import Sequence
from typing import Protocol


class RerankerError(Exception):
    """The reranker failed or gave something that is no rating. Holds no text and no key."""


class Reranker(Protocol):
    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """How relevant each text is to the query, in the order given.

        Only the order of the numbers means something: a model has its own scale. Blocks; call it
        in a worker thread, and in no transaction. Raises RerankerError and nothing else.
        """
        ...
