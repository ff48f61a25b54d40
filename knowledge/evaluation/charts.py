"""Geometry of the report's drawings, in units of their own: SVG's y axis points down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from knowledge.evaluation.asking import DEPTH, Outcome
from knowledge.evaluation.figures import Evaluation
from knowledge.evaluation.metrics import roc

SIDE = 300.0
"""Width and height of a plot inside its axes."""
ROC_POINTS = 400
BINS = 40
LEAST_SPAN = 0.02
"""Of a margin's axis, where all margins are alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line from point to point; `points` is SVG's attribute."""

    name: str
    number: int
    points: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A column of a histogram, and what it counts."""

    name: str
    count: int
    share: float
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RocChart:
    """`x` and `y` are where today's bar lies."""

    curves: tuple[Curve, ...]
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginChart:
    """How far above the bar best hits score, from `low` to `high`. `bar` is the x of the bar."""

    answerable: Curve
    negatives: Curve
    bar: float
    low: float
    high: float


def roc_chart(found: Evaluation) -> RocChart | None:
    """None where there is nothing to tell apart."""
    positives = [each.margin for each in found.answerable]
    if not positives or not found.negatives:
        return None
    answered, false_answers = (
        found.overall.estimates[name].value for name in ("answered", "false_answers")
    )
    return RocChart(
        curves=tuple(
            Curve(name=name, number=number, points=roc_points(positives, margins))
            for number, (name, margins) in enumerate(by_type(found.negatives).items(), start=1)
        ),
        x=SIDE * false_answers,
        y=SIDE * (1 - answered),
    )


def by_type(negatives: Sequence[Outcome]) -> Mapping[str, list[float]]:
    types = dict.fromkeys(each.query.type for each in negatives)
    return {name: [each.margin for each in negatives if each.query.type == name] for name in types}


def roc_points(positives: Sequence[float], negatives: Sequence[float]) -> str:
    points = [(point.false_answers, point.answered) for point in roc(positives, negatives)]
    step = max(1, len(points) // ROC_POINTS)
    kept = [*points[::step], points[-1]]
    return attribute([(SIDE * x, SIDE * (1 - y)) for x, y in kept])


def rank_bars(answerable: Sequence[Outcome]) -> list[Bar]:
    """How often the first right hit has each rank; the last bar is of those without one."""
    ranks = [each.rank for each in answerable]
    counts = {str(rank): ranks.count(rank) for rank in range(1, DEPTH + 1)}
    counts["none"] = ranks.count(None)
    most, width = max(1, *counts.values()), SIDE / len(counts)
    return [
        Bar(
            name=name,
            count=count,
            share=count / max(1, len(ranks)),
            x=number * width,
            y=SIDE * (1 - count / most),
            width=width * 0.8,
            height=SIDE * count / most,
        )
        for number, (name, count) in enumerate(counts.items())
    ]


def margin_chart(found: Evaluation) -> MarginChart | None:
    """None where nothing was found that is not asked for word by word."""
    margins = [each.margin for each in found.outcomes if abs(each.margin) < 1]
    if not margins:
        return None
    low = min(*margins, -LEAST_SPAN)
    high = max(*margins, LEAST_SPAN)
    edges = np.linspace(low, high, BINS + 1)
    return MarginChart(
        answerable=outline("answerable", 1, found.answerable, edges),
        negatives=outline("not answerable", 2, found.negatives, edges),
        bar=SIDE * (0 - low) / (high - low),
        low=low,
        high=high,
    )


def outline(
    name: str, number: int, outcomes: Sequence[Outcome], edges: "np.typing.NDArray[np.float64]"
) -> Curve:
    """A histogram's outline, as high as the plot where most lie."""
    margins = np.clip([each.margin for each in outcomes], edges[0], edges[-1])
    counts, _ = np.histogram(margins, bins=edges)
    most = max(1, int(counts.max()))
    width = SIDE / BINS
    corners = [
        corner
        for place, count in enumerate(counts)
        for corner in (
            (place * width, SIDE * (1 - count / most)),
            ((place + 1) * width, SIDE * (1 - count / most)),
        )
    ]
    return Curve(name=name, number=number, points=attribute([(0, SIDE), *corners, (SIDE, SIDE)]))


def attribute(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
