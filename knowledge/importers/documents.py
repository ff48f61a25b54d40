"""Rows of a LangChain or Supabase table `documents`, as `postgres` notes them down.

A line is JSON: [id, content, metadata], the last as a text of its own. Content is read as a text
file of documents is. Where it names no question or no answer, the metadata may.
"""

import io
import json
from collections.abc import Iterator, Mapping
from typing import TextIO

from knowledge.importers import text
from knowledge.importers.base import Record, RowError
from knowledge.importers.field_names import IGNORE, FieldNames
from knowledge.importers.json_values import decoded, flaw_in
from knowledge.importers.lines import LINE_CHARACTERS, numbered_lines

WORDINGS = {"question", "similar"}
Metadata = Mapping[str, object]


def read(file: TextIO, names: FieldNames) -> Iterator[Record | RowError]:
    for number, line in numbered_lines(file):
        if len(line) > LINE_CHARACTERS:
            message = f"The row has more than {LINE_CHARACTERS:,} characters."
            yield RowError(line=number, message=message)
        else:
            yield from records(number, line, names)


def records(number: int, line: str, names: FieldNames) -> Iterator[Record | RowError]:
    """The row's documents: one, unless several stand in its content."""
    identity, content, noted = json.loads(line)
    value = decoded(noted) if noted else None
    if flaw := flaw_in([value]):
        yield RowError(
            line=number,
            message=f"In the metadata: {flaw.message}",
            fields=(("id", identity), ("content", content), ("metadata", noted)),
        )
        return
    metadata = value if isinstance(value, dict) else {}
    for position, found in enumerate(documents(content or "", metadata, names), start=1):
        key = ("id", identity if position == 1 else f"{identity}#{position}")
        if isinstance(found, RowError):
            fields = (key, ("content", content), *metadata.items())
            yield RowError(line=number, message=found.message, fields=fields)
        else:
            told = {"id", *(name for name, _ in found.fields)}
            others = tuple(of_metadata(metadata, told, names))
            yield Record(line=number, fields=(key, *found.fields, *others))


def documents(content: str, metadata: Metadata, names: FieldNames) -> list[Record | RowError]:
    """What the content holds; if it names nothing, it is what the metadata lacks."""
    found = list(text.read(io.StringIO(content), names))
    if any(isinstance(each, Record) for each in found):
        return found
    told = {names.field_of(name) for name, value in metadata.items() if value}
    match "question" in told, "answer" in told:
        case True, True:
            return [Record(line=1, fields=())]
        case True, False:
            return [Record(line=1, fields=(("answer", content),))]
        case False, True:
            return [Record(line=1, fields=(("question", content),))]
    return found or [RowError(line=1, message="The row has no content.")]


def of_metadata(
    metadata: Metadata, told: set[str], names: FieldNames
) -> Iterator[tuple[str, object]]:
    """Metadata that says something new, and the rest under names that mean nothing."""
    taken = set(told)
    for name, value in metadata.items():
        field = names.field_of(name)
        usable = text_of(value, field)
        if field == IGNORE or field is None or field in taken or usable is None:
            yield f"metadata.{name}", value
            continue
        if field not in WORDINGS:
            taken.add(field)
        yield name, usable


def text_of(value: object, field: str | None) -> object:
    """The value as a field of a row may have it, or None."""
    if isinstance(value, str) or field == "verbatim":
        return value
    if isinstance(value, list) and field in WORDINGS:
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
