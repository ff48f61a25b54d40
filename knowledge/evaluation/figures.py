"""What an evaluation comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knowledge.evaluation.asking import Outcome
from knowledge.evaluation.metrics import METRICS, Estimate, auc, mean, quantile

JsonValue = float | int | str | None | Mapping[str, "JsonValue"] | Sequence["JsonValue"]
PLACES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Queries of one kind. A figure that its queries do not have is missing."""

    n: int
    estimates: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All outcomes, and the figures by name: of all, by kind, and the AUC by type of negative."""

    outcomes: tuple[Outcome, ...]
    answers: int
    """Published answers that were searched."""
    bars: Mapping[str, float]
    """0–1, by language; a query's own bar may lie higher."""
    titles: Mapping[str, str]
    """Of the answers that are relevant to a query, by external id."""
    overall: Group
    by_kind: Mapping[str, Group]
    auc: Mapping[str, Estimate]

    @property
    def answerable(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.query.answerable]

    @property
    def negatives(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.query.answerable]

    @property
    def bar(self) -> float:
        """The median of what the queries' best hits had to score."""
        return quantile([outcome.bar for outcome in self.outcomes], 0.5)

    def milliseconds(self, share: float) -> float:
        return quantile([outcome.milliseconds for outcome in self.outcomes], share)


def evaluation(
    outcomes: Sequence[Outcome],
    *,
    answers: int,
    bars: Mapping[str, float],
    titles: Mapping[str, str],
) -> Evaluation:
    kinds = dict.fromkeys(outcome.query.kind for outcome in outcomes)
    return Evaluation(
        outcomes=tuple(outcomes),
        answers=answers,
        bars=bars,
        titles=titles,
        overall=group(outcomes),
        by_kind={
            kind: group([outcome for outcome in outcomes if outcome.query.kind == kind])
            for kind in kinds
        },
        auc=areas(outcomes),
    )


def group(outcomes: Sequence[Outcome]) -> Group:
    answerable = [outcome for outcome in outcomes if outcome.query.answerable]
    negatives = [outcome for outcome in outcomes if not outcome.query.answerable]
    found = {
        name: mean([metric(each.relevance, len(each.query.relevant)) for each in answerable])
        for name, metric in METRICS.items()
    }
    found["answered"] = mean([float(each.answered) for each in answerable])
    found["false_answers"] = mean([float(each.answered) for each in negatives])
    return Group(
        n=len(outcomes),
        estimates={name: each for name, each in found.items() if each is not None},
    )


def areas(outcomes: Sequence[Outcome]) -> dict[str, Estimate]:
    """How well answerable queries are told from negatives, of each type and of `all`."""
    positives = [each.margin for each in outcomes if each.query.answerable]
    negatives = [each for each in outcomes if not each.query.answerable]
    types = dict.fromkeys(each.query.type for each in negatives)
    scores = {
        "all": [each.margin for each in negatives],
        **{name: [each.margin for each in negatives if each.query.type == name] for name in types},
    }
    measured = {name: auc(positives, values) for name, values in scores.items()}
    return {name: each for name, each in measured.items() if each is not None}


def as_json(found: Evaluation) -> dict[str, JsonValue]:
    """The object that `manage.py evaluate --json` prints. docs/evaluation.md explains each name."""
    return {
        **values(found.overall.estimates),
        "false_answers": value(found.overall.estimates.get("false_answers")),
        "bar": round(found.bar, PLACES),
        "bars": {language: round(bar, PLACES) for language, bar in found.bars.items()},
        "n": found.overall.n,
        "answerable": len(found.answerable),
        "negatives": len(found.negatives),
        "answers": found.answers,
        "ms": {
            "p50": round(found.milliseconds(0.5), 2),
            "p95": round(found.milliseconds(0.95), 2),
        },
        "auc": values(found.auc),
        "ci": {**intervals(found.overall.estimates), "auc": intervals(found.auc)},
        "by_kind": {
            kind: {"n": each.n, **values(each.estimates), "ci": intervals(each.estimates)}
            for kind, each in found.by_kind.items()
        },
    }


def value(estimate: Estimate | None) -> float | None:
    return None if estimate is None else round(estimate.value, PLACES)


def values(estimates: Mapping[str, Estimate]) -> dict[str, JsonValue]:
    return {name: value(estimate) for name, estimate in estimates.items()}


def intervals(estimates: Mapping[str, Estimate]) -> dict[str, JsonValue]:
    return {
        name: [round(each.low, PLACES), round(each.high, PLACES)]
        for name, each in estimates.items()
    }
