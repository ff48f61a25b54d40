"""Lines of a text with their numbers; one that never ends does not fill the memory."""

from collections.abc import Iterator
from typing import TextIO

LINE_CHARACTERS = 1_000_000
"""Every wording and the answer at their limits, all written as \\uXXXX, stay below this."""


def numbered_lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """Lines counted from 1, each with its end. One over the limit comes cut just behind it."""
    number = 0
    while line := file.readline(LINE_CHARACTERS + 1):
        number += 1
        rest = line
        while len(rest) > LINE_CHARACTERS and not rest.endswith(("\n", "\r")):
            rest = file.readline(LINE_CHARACTERS + 1)
        yield number, line
