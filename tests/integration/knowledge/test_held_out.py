"""Wordings that are asked of their answer as it would be without them."""

import pytest

from knowledge import wiring
from knowledge.evaluation.held_out import bm25, held_out
from knowledge.indexing import vectors, weighted_terms, wordings_of
from knowledge.models import Answer
from knowledge.retrieval import LEXICAL_HALF, LEXICAL_WEIGHT, search, unit
from tests.integration.curating import HAIRCUT, SLEEP, stored

pytestmark = pytest.mark.django_db
LATE = "He lies awake until midnight."


def quiet(_done: int, _total: int) -> None:
    """Nobody looks."""


def score(question: str, answer: Answer) -> float:
    """By the formula, with all that the answer has."""
    embedder = wiring.embedder()
    wordings = wordings_of(answer)
    lexical = bm25(question, weighted_terms(wordings, answer.text))
    (vector,) = vectors([(wordings, answer.text)], embedder)
    (asked,) = embedder.embed_queries([question])
    return unit(float(asked @ vector) + LEXICAL_WEIGHT * lexical / (lexical + LEXICAL_HALF))


@pytest.mark.parametrize("question", ["child asleep at night", "haircut", "孩子晚上不睡觉"])
def test_formula_is_that_of_the_search(question: str) -> None:
    answers = [stored(SLEEP, LATE), stored(HAIRCUT, text="Hold the scissors.")]
    stored("孩子晚上不肯睡觉怎么办？", text="固定作息。")

    found = {hit.uid: hit.score for hit in search(question, wiring.embedder()).hits}

    for answer in answers:
        assert found[answer.uid] == pytest.approx(score(question, answer), abs=0.002)


def test_wording_scores_less_where_nobody_noted_it() -> None:
    answer = stored(SLEEP, LATE)

    (asked,) = held_out(wiring.embedder(), progress=quiet)

    assert (asked.text, asked.found) == (LATE, True)
    assert 0 < asked.score < score(LATE, answer)


def test_answers_with_one_wording_and_drafts_are_not_asked_for() -> None:
    stored(SLEEP)
    stored(HAIRCUT, LATE, publish=False)

    assert list(held_out(wiring.embedder(), progress=quiet)) == []


def test_best_hit_may_be_another_answer() -> None:
    stored("What is a good first haircut?", LATE, text="Hold the scissors.")
    other = stored("Why does he lie awake until midnight?", text="Bedtime is too early.")

    (asked,) = held_out(wiring.embedder(), progress=quiet)

    assert not asked.found
    assert asked.score == pytest.approx(score(LATE, other), abs=0.002)


def test_progress_is_told() -> None:
    for number in range(3):
        stored(f"{SLEEP} ({number})", f"{LATE} ({number})")
    told: list[tuple[int, int]] = []

    list(held_out(wiring.embedder(), progress=lambda done, total: told.append((done, total))))

    assert told == [(1, 3), (2, 3), (3, 3)]
