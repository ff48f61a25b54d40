"""The rows that could not be stored, in files to correct and ingest again.

A JSON Lines file a source: a row is an object of its fields, or of its text where those could not
be told apart, with the reason. Ingest ignores the fields that are added here.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self, TextIO

from knowledge.importers.base import Row, RowError
from knowledge.importers.field_names import FieldNames, field_names
from knowledge.importers.files import Text
from knowledge.importers.lines import LINE_CHARACTERS, numbered_lines

BECAUSE, FROM, TEXT = REJECT_FIELDS = ("rejected_because", "rejected_from", "rejected_text")
LINE_FORMATS = {"csv", "jsonl", "text", "markdown"}
"""Whose lines are those of the file itself."""
WORDINGS = {"question", "similar"}
"""Fields that a row may have several times."""


class RejectsError(Exception):
    """The file for rejected rows cannot be written; the sentence says which."""


class Rejects:
    """Writes a run's rejected rows. `place` says where those of a source go."""

    def __init__(self, place: Callable[[str], Path]) -> None:
        self._place = place
        self._files: dict[str, TextIO] = {}
        self._stack = ExitStack()
        self.paths: dict[str, Path] = {}
        """Where the rejected rows of each source are."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def passing(self, text: Text, rows: Iterator[Row | RowError]) -> Iterator[Row | RowError]:
        """The same rows; those that are errors are written down."""
        lines = Lines(text)
        waiting: RowError | None = None
        for row in rows:
            if waiting:
                self._write(text, waiting, lines.between(waiting.line, row.line))
            waiting = row if isinstance(row, RowError) else None
            yield row
        if waiting:
            self._write(text, waiting, lines.between(waiting.line, None))

    def _write(self, text: Text, error: RowError, original: str) -> None:
        shape: dict[str, object] = {
            BECAUSE: error.message,
            FROM: f"{text.file.name}:{error.line}",
        }
        if error.fields:
            shape |= named_once(error.fields, field_names(text.file.columns))
        else:
            shape[TEXT] = error.text or original
        source = text.file.source
        try:
            if source not in self._files:
                self._files[source] = self._opened(source)
            self._files[source].write(f"{json_line(shape)}\n")
            self._files[source].flush()
        except OSError as error_of_system:
            raise RejectsError(
                f"The rejected rows cannot be written to {self.paths[source]}:"
                f" {error_of_system.strerror}."
            ) from error_of_system

    def _opened(self, source: str) -> TextIO:
        path = self.paths[source] = self._place(source)
        return self._stack.enter_context(path.open("w", encoding="utf-8", newline="\n"))


class Lines:
    """A file's own lines. What is asked for comes later and later in it."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._lines: Iterator[tuple[int, str]] | None = None
        self._last = (0, "")

    def between(self, start: int, end: int | None) -> str:
        """The lines from `start` to before `end`, at least one, as far as they can be kept."""
        if self._text.format not in LINE_FORMATS:
            return ""
        kept: list[str] = []
        room = LINE_CHARACTERS
        for number, line in self._from(start):
            kept.append(line)
            room -= len(line)
            if room <= 0 or (end is not None and number + 1 >= end):
                break
        return "".join(kept).strip()

    def _from(self, start: int) -> Iterator[tuple[int, str]]:
        if self._lines is None:
            self._lines = self._read()
        if self._last[0] >= start:
            yield self._last
        for number, line in self._lines:
            self._last = number, line
            if number >= start:
                yield number, line

    def _read(self) -> Iterator[tuple[int, str]]:
        path = self._text.file.path
        with path.open(encoding=self._text.encoding, newline="") as file:
            yield from numbered_lines(file)


def named_once(fields: tuple[tuple[str, object], ...], names: FieldNames) -> dict[str, object]:
    """Fields as an object. Wordings under one name become a list, other names get a number."""
    shape: dict[str, object] = {}
    for name, value in fields:
        if name in REJECT_FIELDS or value is None or value == "":
            continue
        if name in shape and names.field_of(name) in WORDINGS:
            shape[name] = [*listed(shape[name]), *listed(value)]
        else:
            shape[free(name, shape)] = value
    return shape


def listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def free(name: str, taken: dict[str, object]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name} ({number})"
    return candidate


def json_line(shape: dict[str, object]) -> str:
    """Readable in every script; escaped where UTF-8 has no form for a character."""
    line = json.dumps(shape, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(shape)
    return line
