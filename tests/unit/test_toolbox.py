"""What a search brings the model, and how much of it."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.turn.citations import Citations
from chat.turn.events import JsonValue
from chat.turn.expert_search import Findings
from chat.turn.language_model import ToolCall
from chat.turn.prompt import CHINESE, TOOL_NAME
from chat.turn.toolbox import (
    BACKGROUND_BYTES,
    QUESTION_CHARACTERS,
    BadToolCallError,
    asked_question,
    background,
    search_tool,
)
from tests.experts import NOTHING, answer, clear, near


def answers_in(content: str) -> list[dict[str, JsonValue]]:
    return list(json.loads(content)["answers"])


def background_of(question: str, findings: Findings) -> str:
    citations = Citations()
    citations.add(findings)
    return background(question, findings, citations)


def size(answers: list[dict[str, JsonValue]]) -> int:
    """In bytes, as JSON."""
    return len(json.dumps(answers, ensure_ascii=False).encode())


def call(question: str) -> ToolCall:
    return ToolCall(id="call_1", name=TOOL_NAME, arguments=json.dumps({"question": question}))


def test_background_names_the_question_and_each_answers_expert() -> None:
    found = clear(answer("撞头", "抱住他。", expert="李医生"))

    content = json.loads(background_of("孩子撞头", found))

    described = {"number": 1, "question": "撞头", "answer": "抱住他。", "expert": "李医生"}
    assert content == {"question": "孩子撞头", "answers": [described]}


def test_background_of_nothing_has_no_answers() -> None:
    assert answers_in(background_of("量子力学", NOTHING)) == []


def test_background_holds_as_many_whole_answers_as_fit() -> None:
    long = "答" * 1_300
    found = near(*[answer(f"问题{number}", long) for number in range(6)])

    answers = answers_in(background_of("问题", found))

    assert [each["answer"] for each in answers] == [long] * 3
    assert size(answers) <= BACKGROUND_BYTES


def test_answer_that_does_not_fit_ends_the_background() -> None:
    found = near(answer("一", "短"), answer("二", "x" * BACKGROUND_BYTES), answer("三", "短"))

    answers = answers_in(background_of("问题", found))

    assert [each["question"] for each in answers] == ["一"]


def test_long_answer_that_fits_is_whole() -> None:
    text = "x" * (BACKGROUND_BYTES - 200)

    [only] = answers_in(background_of("question", clear(answer("title", text))))

    assert only["answer"] == text


@given(st.text(st.sampled_from('a答😀"\\\n\x01'), min_size=1, max_size=9))
def test_first_answer_stands_even_if_it_must_be_cut(words: str) -> None:
    text = words * BACKGROUND_BYTES

    answers = answers_in(background_of("question", clear(answer("title", text))))

    assert text.startswith(str(answers[0]["answer"]))
    assert BACKGROUND_BYTES - 6 < size(answers) <= BACKGROUND_BYTES


@pytest.mark.parametrize(
    ("question", "searched"),
    [
        pytest.param("  孩子撞头？\n", "孩子撞头？", id="space around"),
        pytest.param("a\x00b", "ab", id="NUL"),
        pytest.param("a\ud800b", "a\ufffdb", id="half a pair"),
        pytest.param("'; DROP TABLE answer; --", "'; DROP TABLE answer; --", id="SQL is words"),
        pytest.param("x" * 100_000, "x" * QUESTION_CHARACTERS, id="100 KB"),
    ],
)
def test_question_is_made_fit_to_search_for(question: str, searched: str) -> None:
    assert asked_question(call(question), CHINESE) == searched


def test_answers_of_a_second_search_are_numbered_on() -> None:
    citations = Citations()
    first, second = near(answer("一"), answer("二")), near(answer("二"), answer("三"))
    citations.add(first)
    citations.add(second)

    numbers = [each["number"] for each in answers_in(background("问题", second, citations))]

    assert numbers == [2, 3]


def test_tool_may_have_another_name() -> None:
    texts = replace(CHINESE, tool_name="ask_the_vets")

    with pytest.raises(BadToolCallError, match="ask_the_vets"):
        asked_question(call("撞头"), texts)
    assert search_tool(texts).name == "ask_the_vets"
