"""Figures of a ranking and of answering or not, each with its interval. Knows no database.

A query's metrics are those of trec_eval with binary relevance, cut at ten; tests compare them. The
intervals are percentiles of bootstrap samples (Efron 1979) of the queries.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

CUT = 10
SAMPLES = 1_000
SEED = 7
"""Fixed, so that the same outcomes always have the same intervals."""
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RocPoint:
    """With the bar at `threshold`, the shares of negatives and of answerable queries answered."""

    threshold: float
    false_answers: float
    answered: float


def hit(relevance: Sequence[bool], depth: int) -> float:
    """1 if one of the first `depth` hits is relevant."""
    return float(any(relevance[:depth]))


def reciprocal_rank(relevance: Sequence[bool]) -> float:
    return next((1 / rank for rank, hit in enumerate(relevance[:CUT], start=1) if hit), 0.0)


def ndcg(relevance: Sequence[bool], relevant: int) -> float:
    """Normalised discounted cumulative gain (Järvelin & Kekäläinen 2002), every gain 1."""
    gained = sum(1 / math.log2(rank + 1) for rank, hit in enumerate(relevance[:CUT], 1) if hit)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(CUT, relevant) + 1))
    return gained / ideal


Metric = Callable[[Sequence[bool], int], float]
METRICS: Mapping[str, Metric] = {
    "hit@1": lambda relevance, _: hit(relevance, 1),
    "hit@3": lambda relevance, _: hit(relevance, 3),
    "hit@5": lambda relevance, _: hit(relevance, 5),
    "hit@10": lambda relevance, _: hit(relevance, 10),
    "mrr@10": lambda relevance, _: reciprocal_rank(relevance),
    "ndcg@10": ndcg,
}
"""Of one query: by the relevance of its hits, and how many relevant answers there are."""


def mean(values: Sequence[float]) -> Estimate | None:
    """None of no values."""
    if not values:
        return None
    sample = np.asarray(values, dtype=np.float64)
    means = np.array([sample[chosen].mean() for chosen in resampled(len(sample), SEED)])
    return estimate(float(sample.mean()), means)


def auc(positives: Sequence[float], negatives: Sequence[float]) -> Estimate | None:
    """How often a positive scores above a negative, ties counting half; None if either lacks."""
    if not positives or not negatives:
        return None
    above, below = np.asarray(positives, np.float64), np.asarray(negatives, np.float64)
    pairs = zip(resampled(len(above), SEED), resampled(len(below), SEED + 1), strict=True)
    samples = np.array([area(above[first], below[second]) for first, second in pairs])
    return estimate(area(above, below), samples)


def area(positives: Floats, negatives: Floats) -> float:
    """Mann and Whitney's U, as a share of all pairs."""
    ordered = np.sort(negatives)
    lower = np.searchsorted(ordered, positives, side="left")
    not_higher = np.searchsorted(ordered, positives, side="right")
    return float((lower + not_higher).mean() / (2 * len(ordered)))


def roc(positives: Sequence[float], negatives: Sequence[float]) -> list[RocPoint]:
    """From nothing answered to everything, one point a distinct score."""
    above, below = np.sort(positives), np.sort(negatives)
    thresholds = np.unique(np.concatenate([above, below]))[::-1]
    return [
        RocPoint(threshold=math.inf, false_answers=0.0, answered=0.0),
        *(
            RocPoint(
                threshold=float(threshold),
                false_answers=share_from(below, threshold),
                answered=share_from(above, threshold),
            )
            for threshold in thresholds
        ),
    ]


def share_from(ordered: Floats, threshold: float) -> float:
    """Of the values, how many reach the threshold."""
    return 1 - float(np.searchsorted(ordered, threshold, side="left")) / len(ordered)


def quantile(values: Sequence[float], share: float) -> float:
    return float(np.quantile(values, share))


def resampled(count: int, seed: int) -> Iterator[Indices]:
    """The indices of one bootstrap sample after the other."""
    random = np.random.default_rng(seed)
    for _ in range(SAMPLES):
        yield random.integers(0, count, size=count)


def estimate(value: float, samples: Floats) -> Estimate:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return Estimate(value=value, low=float(low), high=float(high))
