"""Search terms: bigrams for Chinese, stems for the rest, and both in one sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.lexical import TERM_CHARACTERS, terms


def words(text: str) -> list[str]:
    return sorted(terms(text).elements())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("孩子撞头", "孩子 子撞 撞头", id="Chinese"),
        pytest.param("孩", "孩", id="one character"),
        pytest.param("孩子，撞头！", "孩子 撞头", id="punctuation parts"),
        pytest.param("IQ训练", "iq 训练", id="abbreviation before Chinese"),
        pytest.param("做IQ训练", "做 iq 训练", id="abbreviation within Chinese"),
        pytest.param("孩子3岁了", "孩子 3 岁了", id="number within Chinese"),
        pytest.param("ＩＱ", "iq", id="wide letters"),
        pytest.param("children's sleeping", "children sleep", id="stems"),
        pytest.param("CHILDREN’S Sleep", "children sleep", id="case and curly apostrophe"),
        pytest.param("don't, don’t and I’m", "", id="stop words with either apostrophe"),
        pytest.param("the of and", "", id="stop words"),
        pytest.param("snake_case", "snake case", id="underscore parts"),
        pytest.param("5-year-old", "5 year old", id="dashes part"),
        pytest.param("'quoted'", "quot", id="quotation marks"),
        pytest.param("𠮷野", "𠮷野", id="rare characters"),
        pytest.param("", "", id="nothing"),
        pytest.param("？！ 😀", "", id="signs only"),
    ],
)
def test_text_becomes_its_terms(text: str, found: str) -> None:
    assert words(text) == sorted(found.split())


def test_terms_are_counted() -> None:
    assert terms("撞头！又撞头。Sleep, sleeping") == {"撞头": 2, "又撞": 1, "sleep": 2}


def test_one_thing_has_one_term_whatever_it_is_called() -> None:
    assert words("孤独症谱系障碍") == words("自闭症")
    assert words("autism spectrum disorder") == words("ASD") == ["autism"]


def test_question_and_answer_meet_in_their_terms() -> None:
    asked, answered = terms("3岁孩子适合测IQ吗"), terms("IQ 测试适合 3 岁以上的孩子。")

    assert {"3", "iq", "孩子", "适合"} <= asked.keys() & answered.keys()


@given(st.text())
def test_term_is_never_empty_nor_too_long(text: str) -> None:
    assert all(0 < len(term) <= TERM_CHARACTERS for term in terms(text))


def test_endless_word_is_cut() -> None:
    assert words("x" * 100_000) == ["x" * TERM_CHARACTERS]


@given(st.text(st.sampled_from("abXYZ孩子'’ 3")))
def test_case_does_not_matter(text: str) -> None:
    assert terms(text.upper()) == terms(text.lower())
