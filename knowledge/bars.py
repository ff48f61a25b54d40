"""The bars that hits have to reach, and what follows for the question. All scores are 0–1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Fit = Literal["clear", "near", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What the best hit of one question must score."""

    near: float
    """To count at all."""
    clear: float
    """To be quoted as the answer, if it also stands `lead` above the second."""
    lead: float
    """0 while that is not known."""
    certain: float | None
    """To make the question the experts' business beyond doubt; None while that is not known."""


def fit(scores: Sequence[float], bars: Bars, *, exact: bool) -> Fit:
    """`scores` are best first; `exact` if the best hit is asked for word by word."""
    if not scores or (scores[0] < bars.near and not exact):
        return "none"
    leads = len(scores) > 1 and scores[0] - scores[1] >= bars.lead > 0
    return "clear" if exact or (leads and scores[0] >= bars.clear) else "near"


def certain(scores: Sequence[float], bars: Bars, *, exact: bool) -> bool:
    """No lead is asked for: whose business a question is does not depend on which answer fits."""
    reached = bars.certain is not None and bool(scores) and scores[0] >= bars.certain
    return exact or reached
