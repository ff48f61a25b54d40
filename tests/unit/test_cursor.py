"""Places in a turn, as text and in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.turn.cursor import START, Cursor

numbers = st.integers(0, 999_999_999)


@given(numbers, numbers)
def test_cursor_survives_its_text(attempt: int, n: int) -> None:
    cursor = Cursor(attempt, n)

    assert Cursor.parse(str(cursor)) == cursor


def test_cursor_is_written_as_attempt_and_number() -> None:
    assert str(Cursor(2, 57)) == "2-57"


@pytest.mark.parametrize(
    ("earlier", "later"), [("0-0", "1-1"), ("1-9", "1-10"), ("1-999", "2-1"), ("9-1", "10-1")]
)
def test_cursors_are_compared_as_pairs_of_numbers(earlier: str, later: str) -> None:
    assert Cursor.parse(earlier) < Cursor.parse(later)


@given(st.integers(1, 999_999_999), numbers)
def test_start_stands_before_every_event(attempt: int, n: int) -> None:
    assert Cursor(attempt, n) > START


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "-", "1-", "-1", "1--1", "-1-1", "1-1-1", "1.0-1", "1-1 ", " 1-1", "1-1\n"),
        *("01-1", "1-01", "+1-1", "1_0-1", "1e3-1", "x-1", "1234567890-1", "1-1234567890"),
        *("١-١", "1٣-1", "1-1²", "１-１"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="two numbers"):
        Cursor.parse(text)
