"""Whether hits are an answer: nothing below the bar, clear only well ahead of the second."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.bars import Bars, Fit, certain, fit
from knowledge.retrieval import LEXICAL_WEIGHT, Hit, taking_turns, unit

BARS = Bars(near=0.8, clear=0.85, lead=0.06, certain=0.87)
UNKNOWN = Bars(near=0.0, clear=0.0, lead=0.0, certain=None)
"""Of a space that was never calibrated."""


def hit(answer: int, *, rank: int = 1, review_by: date | None = None) -> Hit:
    return Hit(
        uid=UUID(int=answer),
        version=1,
        title="",
        text="",
        locale="zh-hans",
        topic="",
        verbatim=False,
        expert_name="",
        expert_role="",
        basis_url="",
        reviewed_at=None,
        review_by=review_by,
        score=0.9,
        cosine=0.9,
        rank=rank,
        exact=False,
    )


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param([], "none", id="no hits"),
        pytest.param([0.799], "none", id="just below the bar"),
        pytest.param([0.79, 0.1], "none", id="far ahead, but below the bar"),
        pytest.param([0.8], "near", id="one hit, at the bar"),
        pytest.param([0.99], "near", id="one hit, and nothing to compare it with"),
        pytest.param([0.9, 0.9], "near", id="two alike"),
        pytest.param([0.9, 0.841], "near", id="not quite ahead"),
        pytest.param([0.9, 0.839], "clear", id="well ahead"),
        pytest.param([0.9, 0.5, 0.49], "clear", id="only the second counts"),
        pytest.param([0.84, 0.1], "near", id="well ahead, but off-topic questions score so too"),
    ],
)
def test_fit_follows_from_the_bar_and_the_lead(scores: list[float], expected: Fit) -> None:
    assert fit(scores, BARS, exact=False) == expected


@pytest.mark.parametrize("scores", [[0.1], [0.9, 0.9], [0.1, 0.9]])
def test_question_asked_word_for_word_is_clear_and_certain(scores: list[float]) -> None:
    assert fit(scores, BARS, exact=True) == "clear"
    assert certain(scores, BARS, exact=True)
    assert certain(scores, UNKNOWN, exact=True)


def test_nothing_is_clear_before_the_spread_is_known() -> None:
    assert fit([0.9, 0.1], replace(BARS, lead=0.0), exact=False) == "near"


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param([], False, id="no hits"),
        pytest.param([0.869], False, id="just below"),
        pytest.param([0.87], True, id="at the bar"),
        pytest.param([0.87, 0.87], True, id="without any lead"),
    ],
)
def test_certainty_follows_from_its_bar_alone(scores: list[float], *, expected: bool) -> None:
    assert certain(scores, BARS, exact=False) is expected


def test_nothing_is_certain_before_the_margin_is_known() -> None:
    assert not certain([1.0, 0.1], UNKNOWN, exact=False)


def test_two_lists_take_turns_and_name_each_answer_once() -> None:
    merged = taking_turns([hit(1), hit(2, rank=2)], [hit(2), hit(3, rank=2), hit(4, rank=3)])

    assert [each.uid.int for each in merged] == [1, 2, 3, 4]
    assert [each.rank for each in merged] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("raw", "score"),
    [(-1, 0), (0, 0), (0.55, 0.5), (1 + LEXICAL_WEIGHT, 1), (5, 1)],
)
def test_raw_score_is_brought_to_the_unit_scale(raw: float, score: float) -> None:
    assert unit(raw) == pytest.approx(score)


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_unit_scale_keeps_the_order(one: float, other: float) -> None:
    assert 0 <= unit(one) <= 1
    assert (unit(one) <= unit(other)) or one > other


@pytest.mark.parametrize(
    ("review_by", "overdue"),
    [(None, False), (date(2000, 1, 1), True), (date(9999, 1, 1), False)],
    ids=["no date", "past", "to come"],
)
def test_answer_is_overdue_after_its_date(review_by: date | None, *, overdue: bool) -> None:
    assert hit(1, review_by=review_by).overdue is overdue
