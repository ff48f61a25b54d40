"""Figures of an evaluation, compared with those of others' programs."""

import math
import random
from itertools import pairwise

import ir_measures
import pytest
from ir_measures import RR, Qrel, ScoredDoc, Success, nDCG
from scipy.stats import mannwhitneyu

from knowledge.evaluation.metrics import METRICS, auc, mean, roc

RANDOM = random.Random(5)  # noqa: S311
ANSWERS = [f"answer-{number}" for number in range(30)]
REFERENCES = {
    "hit@1": Success @ 1,
    "hit@3": Success @ 3,
    "hit@5": Success @ 5,
    "hit@10": Success @ 10,
    "mrr@10": RR @ 10,
    "ndcg@10": nDCG @ 10,
}
Ranking = tuple[set[str], list[str]]
"""The relevant answers, and the hits, best first."""


def ranking() -> Ranking:
    relevant = set(RANDOM.sample(ANSWERS, RANDOM.choice([1, 1, 2, 12])))
    return relevant, RANDOM.sample(ANSWERS, RANDOM.choice([0, 3, 10, 10]))


RANKINGS = [ranking() for _ in range(200)]


def test_every_metric_is_compared() -> None:
    assert REFERENCES.keys() == METRICS.keys()


@pytest.mark.parametrize("name", METRICS)
def test_metric_of_every_ranking_is_that_of_ir_measures(name: str) -> None:
    ours = [
        METRICS[name]([hit in relevant for hit in hits], len(relevant))
        for relevant, hits in RANKINGS
    ]

    theirs = reference(name)

    assert [theirs[str(number)] for number in range(len(RANKINGS))] == pytest.approx(ours)


def reference(name: str) -> dict[str, float]:
    qrels = [
        Qrel(query_id=str(number), doc_id=answer, relevance=1)
        for number, (relevant, _) in enumerate(RANKINGS)
        for answer in relevant
    ]
    run = [
        ScoredDoc(query_id=str(number), doc_id=hit, score=-float(rank))
        for number, (_, hits) in enumerate(RANKINGS)
        for rank, hit in enumerate(hits)
    ]
    return {
        metric.query_id: metric.value
        for metric in ir_measures.iter_calc([REFERENCES[name]], qrels, run)
    }


def test_auc_is_mann_and_whitneys() -> None:
    positives = [round(RANDOM.gauss(1, 1), 1) for _ in range(80)]
    negatives = [round(RANDOM.gauss(0, 1), 1) for _ in range(50)]

    ours = auc(positives, negatives)

    assert ours
    theirs = mannwhitneyu(positives, negatives).statistic / (len(positives) * len(negatives))
    assert ours.value == pytest.approx(theirs)


def test_auc_of_nothing_is_unknown() -> None:
    assert auc([], [1.0]) is None
    assert auc([1.0], []) is None


def test_area_below_the_roc_is_the_auc() -> None:
    positives, negatives = [0.9, 0.5, 0.5, 0.2], [0.5, 0.4, 0.1]

    points = roc(positives, negatives)

    area = sum(
        (right.false_answers - left.false_answers) * (left.answered + right.answered) / 2
        for left, right in pairwise(points)
    )
    found = auc(positives, negatives)
    assert found
    assert found.value == pytest.approx(area)
    assert (points[-1].false_answers, points[-1].answered) == (1.0, 1.0)


def test_interval_is_that_of_a_share() -> None:
    """Compared with the normal approximation of a binomial share."""
    values = [1.0] * 300 + [0.0] * 100

    found = mean(values)

    error = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert found
    assert found.value == 0.75
    assert found.low == pytest.approx(0.75 - error, abs=0.01)
    assert found.high == pytest.approx(0.75 + error, abs=0.01)


def test_interval_is_the_same_every_time() -> None:
    values = [RANDOM.random() for _ in range(50)]

    assert mean(values) == mean(values)


def test_mean_of_nothing_is_unknown() -> None:
    assert mean([]) is None
