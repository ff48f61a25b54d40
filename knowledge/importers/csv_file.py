"""CSV as spreadsheets save it: a row of names, then a record a row."""

import csv
from collections.abc import Iterator
from itertools import islice
from typing import TextIO

from knowledge.importers.base import Record, RowError, UnreadableFileError
from knowledge.importers.field_names import FieldNames
from knowledge.importers.lines import LINE_CHARACTERS, numbered_lines
from knowledge.importers.table import TableRow, check_header, records

UNCLOSED = (
    "A quotation mark of this row is not closed where it should be. Nothing after this was read."
)
DELIMITERS = (",", ";", "\t")


def read(file: TextIO, names: FieldNames) -> Iterator[Record | RowError]:
    # Python's own limit is 131,072 a cell, less than a row may need. It holds for the process.
    csv.field_size_limit(LINE_CHARACTERS)
    headers = {delimiter: header(file, delimiter) for delimiter in DELIMITERS}
    delimiter = max(headers, key=lambda candidate: known_names(headers[candidate], names))
    if not headers[delimiter]:
        raise UnreadableFileError("The file is empty.")
    check_header(headers[delimiter], names)
    return records(headers[delimiter], below_header(table(file, delimiter)), names)


def table(file: TextIO, delimiter: str) -> Iterator[TableRow]:
    """Rows with the line each starts on; the last is an error if its quotation marks are wrong."""
    file.seek(0)
    reader = csv.reader(lines(file), delimiter=delimiter, strict=True)
    while True:
        start = reader.line_num + 1
        try:
            yield TableRow(line=start, cells=next(reader))
        except StopIteration:
            return
        except csv.Error:
            yield TableRow(line=start, cells=(), error=UNCLOSED)
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
    first = next((row for row in table(file, delimiter) if row.filled), None)
    return list(first.cells) if first else []


def below_header(rows: Iterator[TableRow]) -> Iterator[TableRow]:
    return islice((row for row in rows if row.filled), 1, None)


def known_names(header: list[str], names: FieldNames) -> tuple[int, int]:
    """How well a delimiter fits: it parts the header into many names that we know."""
    return sum(names.field_of(name) is not None for name in header), len(header)
