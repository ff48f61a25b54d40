"""What changed between two texts, for a reader."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.admin.text_diff import Piece, changes, difference
from chat.turn.prompt import CHINESE, ENGLISH

SECONDS = 5
TEXTS = st.text(alphabet="ab {tool}。.\n你好", max_size=60)


def marked(before: str, after: str) -> str:
    marks = {"same": "{}", "removed": "[-{}]", "added": "[+{}]"}
    return "".join(marks[piece.kind].format(piece.text) for piece in difference(before, after))


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("Same.", "Same.", "Same."),
        ("Be short.", "Be very short.", "Be[+ very] short."),
        ("One. Two. Three.", "One. Three.", "One. [-Two. ]Three."),
        ("请简短地回答。谢谢。", "请温暖地回答。谢谢。", "请[-简短][+温暖]地回答。谢谢。"),
        ("Call {tool} now.", "Call {toll} now.", "Call [-{tool}][+{toll}] now."),
        ("Hello, dear parents.", "Ask.", "[-Hello, dear parents.][+Ask.]"),
        ("A\nB\n", "A\nC\nB\n", "A\n[+C\n]B\n"),
    ],
)
def test_changed_words_are_marked_and_the_rest_stays(before: str, after: str, shown: str) -> None:
    assert marked(before, after) == shown


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_from_the_pieces(before: str, after: str) -> None:
    pieces: tuple[Piece, ...] = difference(before, after)

    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after


def test_only_texts_that_differ_are_told() -> None:
    assert changes(ENGLISH, ENGLISH) == []
    assert len(changes(ENGLISH, CHINESE)) == 13


@pytest.mark.parametrize("end", ["", "。", "a. "])
def test_longest_texts_are_compared_in_good_time(end: str) -> None:
    before = "".join(f"{chr(0x4E00 + number % 700)}的{end}" for number in range(8_000))[:8_000]
    began = time.perf_counter()

    difference(before, before[::-1])

    assert time.perf_counter() - began < SECONDS
