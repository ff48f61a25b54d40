"""JSON Lines, and a file that is one JSON array: an object is a record."""

import re
from collections.abc import Iterator
from typing import TextIO

from knowledge.importers.base import Record, RowError, UnreadableFileError
from knowledge.importers.field_names import FieldNames
from knowledge.importers.json_array import elements
from knowledge.importers.json_values import Flaw, decoded, flaw_in
from knowledge.importers.lines import LINE_CHARACTERS, numbered_lines

GOES_ON = re.compile(r"\{(?:.*(?:[\[{:]|(?<!\}),))?")
"""A line that ends within an object; `},` at its end is one comma too many."""


def read(file: TextIO, _names: FieldNames) -> Iterator[Record | RowError]:
    opening = first_line(file)
    file.seek(0)
    if opening.startswith("["):
        return (record(line, value) for line, value in elements(file))
    if GOES_ON.fullmatch(opening):
        raise UnreadableFileError(
            "An object goes over several lines. The file must be one array, [{…}, {…}], or JSON"
            " Lines, with an object on every line."
        )
    return line_records(file)


def first_line(file: TextIO) -> str:
    """The first that is not blank, as far as it matters here."""
    while piece := file.readline(LINE_CHARACTERS):
        if visible := piece.strip():
            return visible
    return ""


def line_records(file: TextIO) -> Iterator[Record | RowError]:
    for number, line in numbered_lines(file):
        if len(line) > LINE_CHARACTERS:
            yield record(number, Flaw(f"The line has more than {LINE_CHARACTERS:,} characters."))
        elif stripped := line.strip():
            yield record(number, decoded(stripped))


def record(line: int, value: object) -> Record | RowError:
    flaw = value if isinstance(value, Flaw) else flaw_in(value)
    if flaw:
        return RowError(line=line, message=flaw.message, text=flaw.text)
    if not isinstance(value, dict):
        return RowError(line=line, message="A row must be a JSON object: {…}.")
    return Record(line=line, fields=tuple(value.items()))
