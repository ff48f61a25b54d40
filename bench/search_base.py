"""Any number of answers to search among, made from nothing but a seed and the sample's vectors.

Words are drawn as language draws them (Zipf), so that a few terms have nearly all of the postings.
Vectors are mixtures of two real ones with noise: clusters, as subjects are, with no two the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

BATCH = 10_000
VOCABULARY = 30_000
ZIPF = 1.1
TITLE_WORDS = 7
ANSWER_WORDS = 24
NOISE = 0.35
"""Length of what is added to a mixture of length 1."""
QUESTION_NOISE = 0.2
SEED = 5

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question near one of the answers: some of its words, and a vector beside its own."""

    text: str
    vector: Floats


class SearchBase:
    """Answers by number, from 0. `real` are vectors of real questions, one a row."""

    def __init__(self, real: Floats) -> None:
        self.real = real
        ranks = np.arange(1, VOCABULARY + 1)
        weights = 1 / ranks**ZIPF
        self.likelihood = np.cumsum(weights / weights.sum())
        characters = np.random.default_rng(SEED).integers(0x4E00, 0x9000, (VOCABULARY, 2))
        self.words = ["".join(map(chr, pair)) for pair in characters]

    def batches(self, answers: int) -> Iterator[tuple[range, list[str], list[str], Floats]]:
        """Numbers, titles, texts and vectors."""
        for first in range(0, answers, BATCH):
            numbers = range(first, min(first + BATCH, answers))
            random = np.random.default_rng((SEED, first))
            yield (
                numbers,
                self.texts(random, len(numbers), TITLE_WORDS),
                self.texts(random, len(numbers), ANSWER_WORDS),
                self.vectors(random, len(numbers)),
            )

    def texts(self, random: np.random.Generator, count: int, words: int) -> list[str]:
        drawn = np.searchsorted(self.likelihood, random.random((count, words)))
        return ["".join(self.words[word] for word in row) + "。" for row in drawn]

    def vectors(self, random: np.random.Generator, count: int) -> Floats:
        one, other = random.integers(0, len(self.real), (2, count))
        share = random.random((count, 1)).astype(np.float32)
        return beside(random, share * self.real[one] + (1 - share) * self.real[other], NOISE)

    def asked(self, count: int) -> list[Asked]:
        """Each keeps half of the words of one of the first answers."""
        _, titles, texts, vectors = next(self.batches(BATCH))
        random = np.random.default_rng((SEED, 1, 1))
        near = beside(random, vectors[:count], QUESTION_NOISE)
        other = self.texts(random, count, TITLE_WORDS)
        return [
            Asked(text=title[:TITLE_WORDS] + text[:TITLE_WORDS] + new, vector=vector)
            for title, text, new, vector in zip(titles, texts, other, near, strict=False)
        ]


def uid(number: int) -> UUID:
    return UUID(int=number)


def beside(random: np.random.Generator, vectors: Floats, distance: float) -> Floats:
    """Unit vectors that far from the directions of these."""
    noise = random.standard_normal(vectors.shape).astype(np.float32)
    moved = unit(vectors) + distance * unit(noise)
    return unit(moved)


def unit(vectors: Floats) -> Floats:
    lengths: Floats = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths
