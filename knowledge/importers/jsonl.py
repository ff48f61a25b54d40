"""JSON Lines, and a file that is one JSON array: an object is a record."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TextIO

from knowledge.importers.base import Record, RowError, UnreadableFileError, shown
from knowledge.importers.field_names import FieldNames
from knowledge.importers.lines import LINE_CHARACTERS, numbered_lines

ARRAY_CHARACTERS = 20_000_000
"""A JSON array is held in memory whole; JSON Lines may be of any length."""
DEPTH = 16
DIGITS = 100
GOES_ON = re.compile(r"\{(?:.*(?:[\[{:]|(?<!\}),))?")
"""A line that ends within an object; `},` at its end is one comma too many."""
SPACE = re.compile(r"[ \t\r\n]*")
TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},]', re.DOTALL)
"""What tells where a flawed element ends; a quotation mark that is never closed is none."""
SEPARATOR = re.compile(r"[ \t\r\n]*([,\]])[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Stands where JSON has something that may not be stored, so that what follows can be read."""

    message: str
    text: str = ""
    """How an element of an array is written that is no JSON: its lines may hold others."""


def read(file: TextIO, _names: FieldNames) -> Iterator[Record | RowError]:
    opening = first_line(file)
    file.seek(0)
    if opening.startswith("["):
        return array_records(whole(file))
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


def whole(file: TextIO) -> str:
    text = file.read(ARRAY_CHARACTERS + 1)
    if len(text) > ARRAY_CHARACTERS:
        raise UnreadableFileError(
            f"A JSON array may have {ARRAY_CHARACTERS:,} characters; JSON Lines any number."
        )
    return text


def line_records(file: TextIO) -> Iterator[Record | RowError]:
    for number, line in numbered_lines(file):
        if len(line) > LINE_CHARACTERS:
            yield record(number, Flaw(f"The line has more than {LINE_CHARACTERS:,} characters."))
        elif stripped := line.strip():
            yield record(number, decoded(stripped))


def decoded(line: str) -> object:
    try:
        return DECODER.decode(line)
    except (ValueError, RecursionError) as error:
        return flaw_of(error)


def array_records(text: str) -> Iterator[Record | RowError]:
    line, counted = 1, 0
    for start, value in elements(text):
        line += text.count("\n", counted, start)
        counted = start
        yield record(line, value)


def elements(text: str) -> Iterator[tuple[int, object]]:
    """Where each element starts, and its value; a Flaw for what is not JSON."""
    at = skip_space(text, text.index("[") + 1)
    if text.startswith("]", at):
        return
    while True:
        try:
            value, end = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            end = end_of_flawed(text, at)
            written = text[at:end].strip()[:LINE_CHARACTERS]
            yield min(getattr(error, "pos", at), end), replace(flaw_of(error), text=written)
            if end == len(text):
                return
        else:
            yield at, value
        separator = SEPARATOR.match(text, end)
        if separator is None or separator[1] == "]":
            break
        at = separator.end()
    if separator is None or separator.end() < len(text):
        yield end, Flaw("The array does not end here as it should; nothing after this was read.")


def end_of_flawed(text: str, at: int) -> int:
    """Where the element that begins there seems to end: before a comma, or before what closes."""
    depth = 0
    for token in TOKEN.finditer(text, at):
        match token[0]:
            case "{" | "[":
                depth += 1
            case "}" | "]" if depth:
                depth -= 1
            case "}" | "]":
                return token.start()
            case "," if not depth:
                return token.start()
    return len(text)


def skip_space(text: str, at: int) -> int:
    space = SPACE.match(text, at)
    return space.end() if space else at


def record(line: int, value: object) -> Record | RowError:
    flaw = value if isinstance(value, Flaw) else flaw_in(value)
    if flaw:
        return RowError(line=line, message=flaw.message, text=flaw.text)
    if not isinstance(value, dict):
        return RowError(line=line, message="A row must be a JSON object: {…}.")
    return Record(line=line, fields=tuple(value.items()))


def flaw_in(value: object) -> Flaw | None:
    """The first flaw anywhere in `value`, or its depth if that is one."""
    level = [value]
    for _ in range(DEPTH + 1):
        inner = [child for node in level for child in children(node)]
        flaw = next((child for child in inner if isinstance(child, Flaw)), None)
        if flaw or not inner:
            return flaw
        level = inner
    return Flaw(f"The row is nested more than {DEPTH} deep.")


def children(node: object) -> Sequence[object]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def flaw_of(error: ValueError | RecursionError) -> Flaw:
    if isinstance(error, json.JSONDecodeError):
        return Flaw(
            f"This is not JSON: {error.msg[0].lower()}{error.msg[1:]}, column {error.colno}."
        )
    return Flaw(f"The row is nested more than {DEPTH} deep.")


def unique_names(pairs: list[tuple[str, object]]) -> object:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    names = [name for name, _ in pairs]
    twice = next(name for name in members if names.count(name) > 1)
    return Flaw(f"The key {shown(twice)} comes twice in one object.")


def no_number(constant: str) -> Flaw:
    return Flaw(f"{constant} is not a value of JSON.")


def whole_number(digits: str) -> int | Flaw:
    return int(digits) if len(digits) <= DIGITS else Flaw(f"A number has over {DIGITS} digits.")


DECODER = json.JSONDecoder(
    object_pairs_hook=unique_names, parse_constant=no_number, parse_int=whole_number
)
