"""Speculative search: the visitor's own words are searched once, beside what the model asks."""

import pytest

from chat.turn.expert_search import Findings, Fit, SearchUnavailableError
from chat.turn.language_model import ChatMessage
from chat.turn.prompt import CHINESE
from chat.turn.request import TurnRequest
from chat.turn.speculation import MOST_ANSWERS, SpeculativeSearch, alike, together
from tests.experts import (
    NOTHING,
    ScriptedSearch,
    SearchOf,
    UnavailableSearch,
    answer,
    certain,
    clear,
    near,
)

QUESTION = "孩子总是撞头怎么办？"
ASKED = TurnRequest(question=QUESTION, texts=CHINESE)
ONE, TWO, THREE = answer("一"), answer("二"), answer("三")


@pytest.mark.parametrize(
    ("question", "same"),
    [
        (QUESTION, True),
        ("孩子总是撞头怎么办", True),
        ("孩子总是撞头 怎么办?", True),
        ("孩子总是撞头该怎么办？", True),
        ("孩子不睡觉怎么办？", False),
        ("头", False),
        ("", False),
        ("？", False),
    ],
)
def test_questions_are_alike_but_for_marks_and_a_letter(question: str, same: bool) -> None:  # noqa: FBT001
    assert alike(question, QUESTION) is same


async def test_like_question_is_searched_once() -> None:
    search = ScriptedSearch(clear(ONE))

    async with SpeculativeSearch(search, ASKED) as speculative:
        found = await speculative.search("孩子总是撞头，怎么办")

    assert search.questions == [QUESTION]
    assert found == clear(ONE)


async def test_other_question_is_searched_beside_the_visitors_words() -> None:
    search = SearchOf({QUESTION: near(ONE, TWO), "怎么保护头": near(THREE, ONE)})

    async with SpeculativeSearch(search, ASKED) as speculative:
        found = await speculative.search("怎么保护头")

    assert [each.source.title for each in found.answers] == ["三", "一", "二"]


async def test_visitors_words_are_searched_with_what_was_said_before() -> None:
    history = (
        ChatMessage(role="user", content="什么是ABA？"),
        ChatMessage(role="assistant", content="一种训练。"),
    )
    search = ScriptedSearch(NOTHING)
    request = TurnRequest(question="那要多久？", texts=CHINESE, history=history)

    async with SpeculativeSearch(search, request) as speculative:
        await speculative.search("ABA训练要多久？")

    assert search.earlier == [("什么是ABA？",), ()]


@pytest.mark.parametrize(
    ("asked", "own", "titles", "fit"),
    [
        pytest.param(NOTHING, near(ONE), ["一"], "near", id="only the visitor's find"),
        pytest.param(near(ONE), NOTHING, ["一"], "near", id="only the model's finds"),
        pytest.param(clear(ONE), near(TWO), ["一", "二"], "clear", id="model's is clear"),
        pytest.param(near(ONE), clear(TWO), ["一", "二"], "near", id="visitor's is clear"),
        pytest.param(clear(ONE), clear(TWO), ["一", "二"], "near", id="both clear, unlike"),
        pytest.param(clear(ONE), clear(ONE), ["一"], "clear", id="both clear, alike"),
        pytest.param(NOTHING, NOTHING, [], "none", id="nothing"),
    ],
)
def test_two_searches_are_put_together(
    asked: Findings, own: Findings, titles: list[str], fit: Fit
) -> None:
    found = together(asked, own)

    assert [each.source.title for each in found.answers] == titles
    assert found.fit == fit


def test_what_either_is_certain_of_is_certain() -> None:
    assert together(near(ONE), certain(TWO)).certain
    assert together(certain(ONE), NOTHING).certain


def test_two_searches_bring_no_more_than_a_model_can_read() -> None:
    many = [answer(str(number)) for number in range(12)]

    assert len(together(near(*many[:6]), near(*many[6:])).answers) == MOST_ANSWERS


async def test_one_broken_search_is_made_up_for_by_the_other() -> None:
    class BrokenOnce(ScriptedSearch):
        async def search(self, question: str, *, earlier: tuple[str, ...] = ()) -> Findings:
            if question == QUESTION:
                raise SearchUnavailableError
            return await super().search(question, earlier=earlier)

    async with SpeculativeSearch(BrokenOnce(near(ONE)), ASKED) as speculative:
        found = await speculative.search("别的")

    assert found == near(ONE)


async def test_search_that_is_away_altogether_is_told() -> None:
    async with SpeculativeSearch(UnavailableSearch(), ASKED) as speculative:
        with pytest.raises(SearchUnavailableError):
            await speculative.search("别的")
