"""What is checked, trimmed and compared in text that people and files bring in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.plain_text import (
    INVISIBLE,
    BadTextError,
    content_hash,
    folded,
    language_of,
    repaired,
    storable,
    visible,
)

BLANKS = " \t\n\r\u3000\u00a0\u200b\u200d\u2060\u202e\ufeff\U000e0041"


@pytest.mark.parametrize("text", ["", "孩子😀", "a\u202eb", "\x01\n"])
def test_text_that_can_be_stored_is_given_back(text: str) -> None:
    assert storable(text) == text


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "a\udfff"], ids=["NUL", "high", "low"])
def test_text_that_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(BadTextError):
        storable(text)


@given(st.text(st.characters() | st.sampled_from("\0\ud83d\ude00")))
def test_text_of_a_model_is_made_storable(text: str) -> None:
    assert storable(repaired(text)) == repaired(repaired(text))


@given(st.text(st.sampled_from(BLANKS)), st.text(st.sampled_from(BLANKS)))
def test_what_cannot_be_seen_is_taken_out(before: str, after: str) -> None:
    assert visible(f"{before}孩\u200b子{after}") == "孩子"


@pytest.mark.parametrize("emoji", ["❤️", "👨‍👩‍👧", "1️⃣", "🏳️‍🌈"])
def test_emoji_keep_what_makes_them_one_picture(emoji: str) -> None:
    assert visible(f" {emoji} ") == emoji


@pytest.mark.parametrize("text", ["a\ufe0f", "👩\u200d", "👩\ufe0f\ufe0f", "a\ufe0f\u200d👩"])
def test_joiners_that_join_nothing_are_taken_out(text: str) -> None:
    assert visible(text) in {"a", "👩", "👩\ufe0f", "a👩"}


@given(st.text())
def test_text_is_made_visible_at_once(text: str) -> None:
    assert visible(visible(text)) == visible(text)


# DerivedCoreProperties.txt of Unicode 15.1; the lists of unicodedata do not have it.
DEFAULT_IGNORABLE = [
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810)),
    *(*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164),
    *(*range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0, *range(0xFFF0, 0xFFF9)),
    *(*range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)),
]


def test_all_that_unicode_calls_ignorable_is_invisible() -> None:
    assert [each for each in DEFAULT_IGNORABLE if not INVISIBLE.fullmatch(chr(each))] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("ＡＢＣ　１", "abc 1", id="wide letters"),
        pytest.param("Straße", "STRASSE", id="case"),
        pytest.param("e\u0301", "é", id="composition"),
        pytest.param(" a \n b ", "a b", id="space"),
        pytest.param("a\u200bb\ufeff", "ab", id="invisible characters"),
        pytest.param("ﬁ", "fi", id="ligature"),
    ],
)
def test_same_words_compare_equal(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_other_words_compare_unequal() -> None:
    assert folded("孩子 撞头") != folded("孩子撞头")


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        pytest.param("孩子总是撞头怎么办？", "zh-hans", id="Chinese"),
        pytest.param("What can I do?", "en", id="English"),
        pytest.param("ABA训练怎么做", "zh-hans", id="Chinese with an abbreviation"),
        pytest.param("My son says 你好 to everybody he meets", "en", id="English with a word"),
        pytest.param("IQ测试", "zh-hans", id="half and half"),
        pytest.param("𠮷", "zh-hans", id="rare character"),
        pytest.param("", "en", id="nothing"),
        pytest.param("123 ?!", "en", id="no letters"),
    ],
)
def test_language_is_chinese_from_a_fifth_of_the_letters_on(text: str, locale: str) -> None:
    assert language_of(text) == locale


def test_share_of_chinese_letters_decides() -> None:
    assert language_of("孩" + "a" * 4) == "zh-hans"
    assert language_of("孩" + "a" * 5) == "en"


def test_hash_is_the_same_for_the_same_content() -> None:
    assert content_hash(["一", "二"], "答") == content_hash(("一", "二"), "答")
    assert len(content_hash([], "")) == 64


@pytest.mark.parametrize(
    ("wordings", "text"),
    [
        pytest.param(["二", "一"], "答", id="order"),
        pytest.param(["一二"], "答", id="joined"),
        pytest.param(["一", "二", "答"], "", id="text as a wording"),
        pytest.param(["一"], "二答", id="wording in the text"),
        pytest.param(["一", "二", ""], "答", id="empty wording"),
        pytest.param(["一", "二"], "答。", id="other text"),
    ],
)
def test_hash_differs_for_other_content(wordings: list[str], text: str) -> None:
    assert content_hash(wordings, text) != content_hash(["一", "二"], "答")
