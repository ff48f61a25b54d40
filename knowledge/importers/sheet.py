"""One sheet of a workbook as rows of texts; formulas are never worked out."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import IO

from knowledge.importers.base import UnreadableFileError
from knowledge.importers.lines import LINE_CHARACTERS
from knowledge.importers.shared_texts import CellText, SharedTexts, unescaped
from knowledge.importers.table import TableRow
from knowledge.importers.xml_parts import parse

COLUMNS = 16_384
"""So many a spreadsheet has."""
TRUE = {"1", "true"}
SMALL_NUMBER = re.compile("[0-9]{1,9}")
WHOLE_BELOW = 1e15
"""Whole numbers below this are exact."""
REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """How numbers of a workbook are read as days."""

    styles: frozenset[int]
    """The numbers of the styles that show a number as a day."""
    epoch: datetime

    def shown(self, days: float) -> str:
        try:
            moment = self.epoch + timedelta(seconds=round(days * 86_400))
        except OverflowError:
            return number_text(days)
        return moment.date().isoformat() if days == int(days) else moment.isoformat(" ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Styles:
    """What the numbers of a workbook's cell styles mean."""

    dates: Dates
    white: frozenset[int] = frozenset()
    """Those that write in white on white."""


class SheetRows:
    """Puts rows together while a sheet is parsed."""

    def __init__(self, texts: SharedTexts, styles: Styles) -> None:
        self.rows: deque[TableRow] = deque()
        self._texts = texts
        self._styles = styles
        self._hidden_columns: list[range] = []
        self._unseen: set[int] = set()
        self._number = 0
        self._hidden = False
        self._row: dict[int, str] = {}
        self._error = ""
        self._column = -1
        self._reference = ""
        self._kind = "n"
        self._style = 0
        self._formula = False
        self._value: list[str] = []
        self._in_value = False
        self._inline = CellText()
        self._characters = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "col" if attributes.get("hidden") in TRUE:
                self._hide_columns(attributes)
            case "row":
                self._number = int_of(attributes.get("r", ""), self._number + 1)
                self._hidden = attributes.get("hidden") in TRUE
                self._row, self._column, self._error = {}, -1, ""
                self._characters = 0
                self._unseen = set()
            case "c":
                self._begin_cell(attributes)
            case "f":
                self._formula = True
            case "v":
                self._in_value = True
            case _:
                self._inline.start(name)

    def end(self, name: str) -> None:
        match name:
            case "row":
                self._end_row()
            case "c":
                self._end_cell()
            case "v":
                self._in_value = False
            case _:
                self._inline.end(name)

    def text(self, data: str) -> None:
        self._characters += len(data)
        if self._characters > LINE_CHARACTERS:
            raise UnreadableFileError(
                f"The row has more than {LINE_CHARACTERS:,} characters.", line=self._number
            )
        if self._in_value:
            self._value.append(data)
        else:
            self._inline.add(data)

    def _hide_columns(self, attributes: dict[str, str]) -> None:
        first = int_of(attributes.get("min", ""), 0)
        self._hidden_columns.append(range(first - 1, int_of(attributes.get("max", ""), first)))

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self._reference = attributes.get("r", "")
        self._column = column_of(self._reference, self._column + 1)
        if self._column >= COLUMNS:
            raise UnreadableFileError("The sheet has too many columns.", line=self._number)
        self._kind = attributes.get("t", "n")
        self._style = int_of(attributes.get("s", ""), 0)
        if self._style in self._styles.white or any(
            self._column in columns for columns in self._hidden_columns
        ):
            self._unseen.add(self._column)
        self._formula = False
        self._value = []

    def _end_cell(self) -> None:
        value, inline = "".join(self._value), self._inline.taken()
        if self._formula and not value:
            self._fail("is a formula, and the file does not hold what it comes to")
        elif self._kind == "e":
            self._fail("holds an error and no text")
        else:
            self._row[self._column] = inline if self._kind == "inlineStr" else self._shown(value)

    def _fail(self, reason: str) -> None:
        self._error = self._error or f"The cell {self._reference or self._column + 1} {reason}."

    def _shown(self, value: str) -> str:
        match self._kind:
            case "s":
                return self._texts[int_of(value, -1)]
            case "b":
                return "true" if value == "1" else "false"
            case "n" if value:
                return self._number_shown(value)
            case "str":
                return unescaped(value)
            case _:
                return value

    def _number_shown(self, value: str) -> str:
        try:
            number = float(value)
        except ValueError:
            return value
        if self._style in self._styles.dates.styles and isfinite(number):
            return self._styles.dates.shown(number)
        return number_text(number) if isfinite(number) else value

    def _end_row(self) -> None:
        width = max(self._row, default=-1) + 1
        cells = [self._row.get(column, "") for column in range(width)]
        row = TableRow(
            line=self._number,
            cells=cells,
            error=self._error,
            hidden=self._hidden,
            unseen=frozenset(self._unseen & self._row.keys()),
        )
        self.rows.append(row)


def sheet_rows(file: IO[bytes], texts: SharedTexts, styles: Styles) -> Iterator[TableRow]:
    """The rows of a sheet, numbered as the spreadsheet does."""
    handler = SheetRows(texts, styles)
    for _ in parse(file, handler):
        while handler.rows:
            yield handler.rows.popleft()


def int_of(digits: str, otherwise: int) -> int:
    return int(digits) if SMALL_NUMBER.fullmatch(digits) else otherwise


def column_of(reference: str, otherwise: int) -> int:
    """The number of the column that a reference such as B3 names, from 0."""
    named = REFERENCE.fullmatch(reference)
    if named is None:
        return otherwise
    number = 0
    for letter in named[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def number_text(number: float) -> str:
    """As a person would type it: 7 and not 7.0."""
    return str(int(number)) if number == int(number) and abs(number) < WHOLE_BELOW else repr(number)
