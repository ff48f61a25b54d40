"""CSV as spreadsheets save it: a row of names, then a record a row."""

import csv
import re
from collections.abc import Iterator
from typing import TextIO

from knowledge.importers.base import Record, RowError, UnreadableFileError
from knowledge.importers.field_names import field_of
from knowledge.importers.lines import LINE_CHARACTERS, numbered_lines

DELIMITERS = (",", ";", "\t")
CELL_CHARACTERS = 150_000
"""Holds as many wordings as a row may have, each at its limit."""
COLUMNS = 200
WORDING_SEPARATOR = re.compile(r"\r?\n|\r|\|")
GUARD = re.compile(r"^'(?=\s*[=+\-@＝＋－＠])")
"""What an export puts before a cell that a spreadsheet would take for a formula."""


def read(file: TextIO) -> Iterator[Record | RowError]:
    # Python's own limit is 131,072 a cell, less than a row may need. It holds for the process.
    csv.field_size_limit(LINE_CHARACTERS)
    headers = {delimiter: header(file, delimiter) for delimiter in DELIMITERS}
    delimiter = max(headers, key=lambda candidate: known_names(headers[candidate]))
    names = headers[delimiter]
    check_header(names)
    return records(names, table(file, delimiter))


def table(file: TextIO, delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """Rows with the line each starts on; the last is None if its quotation marks are wrong."""
    file.seek(0)
    reader = csv.reader(lines(file), delimiter=delimiter, strict=True)
    while True:
        start = reader.line_num + 1
        try:
            yield start, next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield start, None
            return


def lines(file: TextIO) -> Iterator[str]:
    for number, line in numbered_lines(file):
        if len(line) > LINE_CHARACTERS:
            raise UnreadableFileError(
                f"The line has more than {LINE_CHARACTERS:,} characters.", line=number
            )
        yield line


def header(file: TextIO, delimiter: str) -> list[str]:
    """The first row that is not empty; [] if there is none that can be read."""
    rows = (cells or [] for _, cells in table(file, delimiter))
    return next((cells for cells in rows if any(map(str.strip, cells))), [])


def known_names(names: list[str]) -> tuple[int, int]:
    """How well a delimiter fits: it parts the header into many names that we know."""
    return sum(field_of(name) is not None for name in names), len(names)


def check_header(names: list[str]) -> None:
    if len(names) > COLUMNS:
        raise UnreadableFileError(f"The file has {len(names):,} columns; {COLUMNS} are allowed.")
    if "answer" not in map(field_of, names):
        raise UnreadableFileError(
            "The first row must name the columns, and one of them must be “answer” or “答案”."
        )


def records(
    names: list[str], rows: Iterator[tuple[int, list[str] | None]]
) -> Iterator[Record | RowError]:
    begun = False
    for line, cells in rows:
        if cells is None:
            yield RowError(
                line=line,
                message="A quotation mark of this row is not closed where it should be."
                " Nothing after this was read.",
            )
        elif any(map(str.strip, cells)):
            if begun:
                yield record(line, names, cells)
            begun = True


def record(line: int, names: list[str], cells: list[str]) -> Record | RowError:
    if any(map(str.strip, cells[len(names) :])):
        message = f"The row has {len(cells)} cells, but the first row names {len(names)} columns."
        return RowError(line=line, message=message)
    if any(len(cell) > CELL_CHARACTERS for cell in cells):
        return RowError(line=line, message=f"A cell has more than {CELL_CHARACTERS:,} characters.")
    named = [(name, cell) for name, cell in zip(names, cells, strict=False) if name.strip()]
    return Record(line=line, fields=tuple((name, value(name, cell)) for name, cell in named))


def value(name: str, cell: str) -> object:
    """The cell's text; several wordings for a column of questions."""
    text = GUARD.sub("", cell)
    return WORDING_SEPARATOR.split(text) if field_of(name) == "question" else text
