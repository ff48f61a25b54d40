"""The id of an event of a turn, and so the place of a reader in the delta log."""

import re
from dataclasses import dataclass

FORM = re.compile(r"(0|[1-9][0-9]{0,8})-(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """`<attempt>-<n>`; `n` counts from 1 in each attempt. 0-0 stands before every event."""

    attempt: int
    n: int

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Raises ValueError for anything but two plain numbers."""
        match = FORM.fullmatch(text)
        if match is None:
            raise ValueError("A cursor is two numbers joined by a dash.")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.attempt}-{self.n}"


START = Cursor(0, 0)
