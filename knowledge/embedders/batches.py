"""Texts in requests of bounded size, for embedders behind a network."""

from collections.abc import Iterator, Sequence

BATCH_TEXTS = 64
BATCH_CHARACTERS = 32_000
TEXT_CHARACTERS = 6_000
"""A longer text is cut: servers refuse more than about 8,000 tokens, and Chinese has up to 1.3
tokens a character."""


def batches(texts: Sequence[str], *, most: int = BATCH_TEXTS) -> Iterator[list[str]]:
    """The texts in their order, each cut to what can be sent of it, at most so many at once."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        cut = text[:TEXT_CHARACTERS]
        if batch and (len(batch) == most or characters + len(cut) > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(cut)
        characters += len(cut)
    if batch:
        yield batch
