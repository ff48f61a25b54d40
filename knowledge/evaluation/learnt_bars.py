"""What calibration learnt, as lines of text. Learns nothing itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from knowledge.models import EmbeddingSpace
from knowledge.retrieval import unit

STEPS = 9
WIDTH = 30
"""Characters of a full bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """What best hits score (0–1) in one language: for questions that an answer replies to, and for
    those that are none of the experts' business."""

    answerable: Sequence[float]
    off_topic: Sequence[float]


def lines(space: EmbeddingSpace, examples: Mapping[str, Examples]) -> Iterator[str]:
    yield f"Learnt for {space.fingerprint} with {space.calibrated_answers:,} published answers."
    for language, bar in sorted(space.bars.items()):
        clear = space.clear_bars.get(language, bar)
        yield ""
        yield f"{language}: bar {unit(bar):.3f}, of a clear answer {unit(clear):.3f}"
        if language in examples:
            yield from curve(examples[language], unit(bar))


def curve(examples: Examples, bar: float) -> Iterator[str]:
    """Shares that would be kept by each of a few bars; the one that was learnt has an arrow."""
    yield (
        f"  from {len(examples.off_topic):,} off-topic questions;"
        f" {len(examples.answerable):,} questions have an answer here"
    )
    yield f"  {'bar':>9}  {'answered':>8}  {'off-topic answered':>18}"
    for threshold in thresholds(examples, bar):
        kept = share(examples.answerable, threshold)
        accepted = share(examples.off_topic, threshold)
        mark = "→" if threshold == bar else " "
        drawn = "█" * round(WIDTH * (accepted or 0))
        row = f"  {mark} {threshold:7.3f}  {shown(kept):>8}  {shown(accepted):>18}  {drawn}"
        yield row.rstrip()


def thresholds(examples: Examples, bar: float) -> list[float]:
    """From the lowest score to the highest, with the learnt bar in its place."""
    scores = [*examples.answerable, *examples.off_topic, bar]
    return sorted({*np.linspace(min(scores), max(scores), STEPS).tolist(), bar})


def share(scores: Sequence[float], threshold: float) -> float | None:
    """None of no scores."""
    return sum(score >= threshold for score in scores) / len(scores) if scores else None


def shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
