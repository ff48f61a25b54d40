"""An evaluation as one page of HTML that needs nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import timezone

from knowledge.evaluation.asking import Found, Outcome
from knowledge.evaluation.charts import margin_chart, rank_bars, roc_chart
from knowledge.evaluation.figures import Evaluation
from knowledge.evaluation.metrics import Estimate
from knowledge.evaluation.table import COLUMNS, HEADLINES, figure

SHOWN = 30
FOUND_SHOWN = 5
AMONG = 5
"""A right hit among so many is no bad miss: a model is given about as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    name: str
    meaning: str
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRow:
    kind: str
    n: int
    figures: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A query to read: what should have been found, and what was."""

    query: str
    earlier: Sequence[str]
    kind: str
    fit: str
    margin: float
    expected: Sequence[str]
    found: Sequence[Found]


def report(found: Evaluation, *, name: str, live: bool) -> str:
    """Everything in it that comes from the set is escaped by the template."""
    return render_to_string(
        "knowledge/evaluation_report.html",
        {
            "name": name,
            "live": live,
            "made_at": timezone.now(),
            "found": found,
            "median_ms": found.milliseconds(0.5),
            "p95_ms": found.milliseconds(0.95),
            "headlines": headlines(found),
            "columns": COLUMNS,
            "kinds": kind_rows(found),
            "roc": roc_chart(found),
            "ranks": rank_bars(found.answerable),
            "margins": margin_chart(found),
            "misses": misses(found),
            "false_answers": false_answers(found),
            "unanswered": unanswered(found),
        },
    )


def headlines(found: Evaluation) -> list[Headline]:
    estimates = found.overall.estimates
    return [
        *(
            Headline(name=name, meaning=meaning, estimate=estimates[name])
            for name, meaning in HEADLINES.items()
            if name in estimates
        ),
        *(
            Headline(name="AUC", meaning=f"against negatives: {name}", estimate=estimate)
            for name, estimate in found.auc.items()
        ),
    ]


def kind_rows(found: Evaluation) -> list[KindRow]:
    return [
        KindRow(
            kind=kind, n=group.n, figures=[figure(group.estimates.get(name)) for name in COLUMNS]
        )
        for kind, group in found.by_kind.items()
    ]


def misses(found: Evaluation) -> list[Example]:
    """Wrong answers first that seemed the surest."""
    missed = [each for each in found.answerable if each.rank is None or each.rank > AMONG]
    return worst(missed, found.titles)


def false_answers(found: Evaluation) -> list[Example]:
    return worst([each for each in found.negatives if each.answered], found.titles)


def unanswered(found: Evaluation) -> list[Example]:
    """Answerable queries of which the search says that nothing fits, though it found the answer."""
    refused = [each for each in found.answerable if not each.answered and each.rank == 1]
    return worst(refused, found.titles)


def worst(outcomes: Sequence[Outcome], titles: Mapping[str, str]) -> list[Example]:
    ordered = sorted(outcomes, key=lambda outcome: -outcome.margin)
    return [example(outcome, titles) for outcome in ordered[:SHOWN]]


def example(outcome: Outcome, titles: Mapping[str, str]) -> Example:
    return Example(
        query=outcome.query.text,
        earlier=outcome.query.earlier,
        kind=outcome.query.kind,
        fit=outcome.fit,
        margin=outcome.margin,
        expected=[titles[name] for name in sorted(outcome.query.relevant)[:FOUND_SHOWN]],
        found=outcome.found[:FOUND_SHOWN],
    )
