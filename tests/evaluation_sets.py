"""Evaluation sets for tests, and an embedder that is fast enough for them."""

import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knowledge.embedders.base import EmbedderError, Vectors, normalized
from knowledge.lexical import terms
from knowledge.plain_text import storable

SLEEP = {"id": "sleep", "question": "My son will not sleep.", "answer": "Keep a firm routine."}
HAIRCUT = {"id": "haircut", "question": "How do haircuts get easier?", "answer": "Play barber."}
UNANSWERED = {"id": "fork", "question": "May she eat soup with a fork?", "answer": ""}
KNOWLEDGE = [SLEEP, HAIRCUT, UNANSWERED]
QUERIES = [
    {"id": "1", "query": "he does not sleep", "relevant": ["sleep"], "kind": "reworded"},
    {"id": "2", "query": "haircuts", "relevant": ["haircut"], "kind": "short"},
    {"id": "3", "query": "eat soup with a fork", "relevant": ["fork"], "kind": "reworded"},
    {"id": "4", "query": "Who won the match?", "relevant": [], "type": "out_of_domain"},
]


class WordEmbedder:
    """Texts are near that share words. Fails after it was asked `works` times."""

    dimensions = 64

    def __init__(self, *, works: int = 1_000_000) -> None:
        self._works = works
        self.queries: list[str] = []

    @property
    def fingerprint(self) -> str:
        return "tests/words/64"

    def fail(self) -> None:
        """From now on."""
        self._works = 0

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self.queries += texts
        return self.embed_passages(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self._works -= 1
        if self._works < 0:
            raise EmbedderError("The embedder is down.")
        return normalized(np.array([self._counts(text) for text in texts], dtype=np.float32))

    def _counts(self, text: str) -> list[float]:
        counts = [0.01] * self.dimensions
        for term in terms(storable(text)):
            counts[zlib.crc32(term.encode()) % self.dimensions] += 1.0
        return counts


def evaluation_set(
    folder: Path,
    *,
    knowledge: Sequence[object] | None = KNOWLEDGE,
    queries: Sequence[object] = QUERIES,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if knowledge is not None:
        write(folder / "knowledge.jsonl", knowledge)
    write(folder / "queries.jsonl", queries)
    return folder


def write(file: Path, entries: Sequence[object]) -> Path:
    file.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
    return file
