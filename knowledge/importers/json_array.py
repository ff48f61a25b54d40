"""The elements of a JSON array, read as a stream: only the next one must fit in memory."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TextIO

from knowledge.importers.json_values import DECODER, Flaw, flaw_of
from knowledge.importers.lines import LINE_CHARACTERS

TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},]', re.DOTALL)
"""What tells where a flawed element ends; a quotation mark that is never closed is none."""
SPACE = re.compile(r"[ \t\r\n]*")
SEPARATOR = re.compile(r"[ \t\r\n]*([,\]])[ \t\r\n]*")
TOO_LONG = Flaw(
    f"An element has more than {LINE_CHARACTERS:,} characters, or is not closed; nothing after its"
    " beginning was read."
)
NO_END = Flaw("The array does not end here as it should; nothing after this was read.")


class ArrayText:
    """The part of an array that is being read: `at` is the place in `text`."""

    def __init__(self, file: TextIO) -> None:
        self.text = ""
        self.at = 0
        self.is_rest = False
        """Whether the file has nothing behind `text`."""
        self._file = file
        self._line = 1
        self._counted = 0

    def fill(self) -> None:
        """Have more text from `at` on than an element may be long, or all that there is."""
        if self.is_rest or len(self.text) - self.at > LINE_CHARACTERS:
            return
        self.line_of(self.at)
        piece = self._file.read(2 * LINE_CHARACTERS)
        self.is_rest = len(piece) < 2 * LINE_CHARACTERS
        self.text = self.text[self.at :] + piece
        self.at = self._counted = 0

    def go_to(self, at: int) -> None:
        self.at = at
        self.fill()

    def line_of(self, at: int) -> int:
        """The number of the line of a place that is not before those asked for already."""
        self._line += self.text.count("\n", self._counted, at)
        self._counted = at
        return self._line

    def skip_space(self) -> None:
        space = SPACE.match(self.text, self.at)
        self.go_to(space.end() if space else self.at)


def elements(file: TextIO) -> Iterator[tuple[int, object]]:
    """The line of each element, and its value; a Flaw for what is not JSON."""
    array = opened(file)
    goes_on = not array.text.startswith("]", array.at)
    while goes_on:
        line, value = next_element(array)
        yield line, value
        if isinstance(value, Flaw) and (value is TOO_LONG or array.at == len(array.text)):
            return
        separator = SEPARATOR.match(array.text, array.at)
        goes_on = separator is not None and separator[1] == ","
        if separator is None or not (goes_on or separator.end() == len(array.text)):
            yield array.line_of(array.at), NO_END
        else:
            array.go_to(separator.end())


def opened(file: TextIO) -> ArrayText:
    """Where the first element begins."""
    array = ArrayText(file)
    array.fill()
    while "[" not in array.text:
        array.go_to(len(array.text))
    array.go_to(array.text.index("[") + 1)
    array.skip_space()
    return array


def next_element(array: ArrayText) -> tuple[int, object]:
    """The element at the place, which is behind it then."""
    start = array.at
    try:
        value, end = DECODER.raw_decode(array.text, start)
    except (ValueError, RecursionError) as error:
        end = end_of_flawed(array.text, start)
        line = array.line_of(min(getattr(error, "pos", start), end))
        if end == len(array.text) and not array.is_rest:
            return line, TOO_LONG
        written = array.text[start:end].strip()[:LINE_CHARACTERS]
        array.go_to(end)
        return line, replace(flaw_of(error), text=written)
    line = array.line_of(start)
    array.go_to(end)
    return line, value


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
