"""Whether hits are an answer: nothing below the bar, clear only well ahead of the second."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.retrieval import LEXICAL_WEIGHT, Fit, Hit, fit, unit

BAR, CLEAR_BAR, LEAD = 0.8, 0.85, 0.06


def hits(*scores: float, exact: bool = False) -> tuple[Hit, ...]:
    """Hits with these scores; `exact` is about the first."""
    return tuple(
        Hit(
            uid=UUID(int=rank),
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
            review_by=None,
            score=score,
            rank=rank,
            exact=exact and rank == 1,
        )
        for rank, score in enumerate(scores, start=1)
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
        pytest.param([0.9, 0.9 - LEAD + 0.001], "near", id="not quite ahead"),
        pytest.param([0.9, 0.9 - LEAD - 0.001], "clear", id="well ahead"),
        pytest.param([0.9, 0.5, 0.49], "clear", id="only the second counts"),
        pytest.param([0.84, 0.1], "near", id="well ahead, but off-topic questions score so too"),
    ],
)
def test_fit_follows_from_the_bar_and_the_lead(scores: list[float], expected: Fit) -> None:
    assert fit(hits(*scores), BAR, clear_bar=CLEAR_BAR, lead=LEAD) == expected


@pytest.mark.parametrize("scores", [[0.1], [0.9, 0.9], [0.1, 0.9]])
def test_question_asked_word_for_word_is_clear(scores: list[float]) -> None:
    assert fit(hits(*scores, exact=True), BAR, clear_bar=CLEAR_BAR, lead=LEAD) == "clear"


def test_nothing_is_clear_before_the_spread_is_known() -> None:
    assert fit(hits(0.9, 0.1), BAR, clear_bar=CLEAR_BAR, lead=0) == "near"


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
def test_answer_is_overdue_after_its_date(review_by: date | None, overdue: bool) -> None:  # noqa: FBT001
    [hit] = hits(0.9)

    dated = Hit(**{name: getattr(hit, name) for name in Hit.__slots__} | {"review_by": review_by})

    assert dated.overdue is overdue
