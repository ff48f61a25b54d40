"""Cells of spreadsheets: read back as they were written, and never taken for formulas."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge.importers.cells import guarded, unguarded, wordings_cell, wordings_in

NASTY = st.text(alphabet="'=+-@＝\"[]|\\ \t\n\r,a中😀")


@given(text=st.text() | NASTY)
@example(text="'=1")
@example(text="''=1")
@example(text="' \"=1")
def test_guarded_text_is_read_back_unchanged(text: str) -> None:
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋", " =", "\n=", '"=', "\t@"])
def test_t47_text_that_begins_like_a_formula_gets_an_apostrophe(start: str) -> None:
    assert guarded(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"


@given(wordings=st.lists(st.text(min_size=1) | NASTY.filter(bool), max_size=5, unique=True))
@example(wordings=['["a"]'])
@example(wordings=["a|b", "c"])
@example(wordings=["a", "[]"])
def test_wordings_in_a_cell_are_read_back_unchanged(wordings: list[str]) -> None:
    read = wordings_in(wordings_cell(wordings))

    assert read == (wordings or [""])


def test_people_part_wordings_by_lines_or_strokes() -> None:
    assert wordings_in("a\r\nb|c") == ["a", "b", "c"]


def test_what_only_looks_like_json_is_taken_as_it_is() -> None:
    assert wordings_in('["a", 1]') == ['["a", 1]']
    assert wordings_in('["a"') == ['["a"']
