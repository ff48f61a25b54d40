"""Texts in requests of bounded size, some in flight at once, for embedders behind a network."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """How long a request may take, and how many may be under way for one call."""

    seconds: float
    in_flight: int = 4


BATCH_TEXTS = 64
BATCH_TOKENS = 32_000
TEXT_CHARACTERS = 6_000
"""A longer text is cut: servers refuse more than about 8,000 tokens, and Chinese has up to 1.3
tokens a character."""
TOKENS_PER_BYTE = 0.43
"""An upper estimate for both: a Chinese character has three bytes, an English word five."""


def batches(texts: Sequence[str], *, most: int = BATCH_TEXTS) -> Iterator[list[str]]:
    """The texts in their order, each cut to what can be sent of it, at most so many at once."""
    batch: list[str] = []
    tokens = 0.0
    for text in texts:
        cut = text[:TEXT_CHARACTERS]
        cost = estimated_tokens(cut)
        if batch and (len(batch) == most or tokens + cost > BATCH_TOKENS):
            yield batch
            batch, tokens = [], 0
        batch.append(cut)
        tokens += cost
    if batch:
        yield batch


def estimated_tokens(text: str) -> float:
    return len(text.encode(errors="replace")) * TOKENS_PER_BYTE


def in_flight(
    ask: Callable[[list[str]], T], requests: Sequence[list[str]], *, most: int
) -> list[T]:
    """What each request gives, in their order, at most so many at once.

    Raises the error of the first that fails; those not begun by then are not sent.
    """
    if len(requests) < 2 or most == 1:  # noqa: PLR2004  (one alone needs no threads)
        return [ask(request) for request in requests]
    with ThreadPoolExecutor(min(most, len(requests)), thread_name_prefix="embedding") as threads:
        return list(threads.map(ask, requests))
