"""The texts that a workbook's cells share, on disk: a million of them need little memory."""

import os
import re
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager

from knowledge.importers.base import UnreadableFileError
from knowledge.importers.lines import LINE_CHARACTERS
from knowledge.importers.package import Package
from knowledge.importers.xml_parts import parse

BUFFER_BYTES = 1 << 20
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
"""ECMA-376 part 1, 22.9.2.19 (ST_Xstring). `_x005F_` is a `_` that begins no such escape."""


class SharedTexts:
    """Takes the texts of `sharedStrings.xml` in; afterwards gives the one of a number."""

    def __init__(self, file: "tempfile._TemporaryFileWrapper[bytes]") -> None:
        self._file = file
        self._ends = array("Q", [0])
        self._text = CellText()

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._text.start(name)

    def end(self, name: str) -> None:
        self._text.end(name)
        if name == "si":
            written = self._file.write(self._text.taken().encode("utf-8", "surrogatepass"))
            self._ends.append(self._ends[-1] + written)

    def text(self, data: str) -> None:
        self._text.add(data)

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            raise UnreadableFileError("The workbook is damaged: a cell's text is missing.")
        start, end = self._ends[number], self._ends[number + 1]
        return os.pread(self._file.fileno(), end - start, start).decode("utf-8", "surrogatepass")

    def flush(self) -> None:
        self._file.flush()


class CellText:
    """The text of one cell, put together from its runs; how it is pronounced is left out."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._characters = 0
        self._open = False
        self._pronounced = False

    def start(self, name: str) -> None:
        self._open = name == "t" and not self._pronounced
        self._pronounced |= name == "rPh"

    def end(self, name: str) -> None:
        if name == "rPh":
            self._pronounced = False
        self._open = False

    def add(self, data: str) -> None:
        if self._open:
            self._characters += len(data)
            if self._characters > LINE_CHARACTERS:
                raise UnreadableFileError(f"A cell has more than {LINE_CHARACTERS:,} characters.")
            self._pieces.append(data)

    def taken(self) -> str:
        text = unescaped("".join(self._pieces))
        self._pieces.clear()
        self._characters = 0
        return text


def unescaped(text: str) -> str:
    """With the characters that XML cannot hold, which a workbook writes as `_x000B_`."""
    if "_x" not in text:
        return text
    return ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), text)


@contextmanager
def shared_texts(package: Package, part: str) -> Iterator[SharedTexts]:
    with tempfile.NamedTemporaryFile(prefix="expertline-", buffering=BUFFER_BYTES) as file:
        texts = SharedTexts(file)
        if package.has(part):
            with package.part(part) as source:
                for _ in parse(source, texts):
                    pass
        texts.flush()
        yield texts
