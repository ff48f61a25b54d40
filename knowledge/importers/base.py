"""What readers give: records as they stand in a file, rows that may be stored, and errors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TextIO

from knowledge.importers.field_names import FieldNames


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Names and values as the file has them; a name may come twice. `line` counts from 1."""

    line: int
    fields: tuple[tuple[str, object], ...]
    sheet: str = ""
    """Where it stands, if the file has several tables."""
    suspicious: tuple[str, ...] = ()
    """What its reader left out of it, as `suspicion` names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One answer that may be stored. Attributes are named as the columns of `Answer`."""

    line: int
    external_id: str
    wordings: tuple[str, ...]
    text: str
    locale: str
    topic: str
    verbatim: bool
    expert_name: str
    expert_role: str
    basis: str
    basis_url: str
    reviewed_at: date | None
    review_by: date | None
    suspicious: str
    """Why a person must look at it before anybody is given it, "" if nothing is odd: the codes of
    `suspicion`, joined by commas."""
    ignored: tuple[str, ...]
    """Names of fields that mean nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """Why the row that starts on this line cannot be stored: a sentence for the file's author."""

    line: int
    message: str
    fields: tuple[tuple[str, object], ...] = ()
    """The names and values that it has, if it could be read so far."""
    text: str = ""
    """How it is written, if it could not, and its lines may hold others."""


class UnreadableFileError(Exception):
    """A file, or the rest of it, cannot be read as text of its format; the sentence says why."""

    def __init__(self, message: str, *, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


Reader = Callable[[TextIO, FieldNames], Iterator[Record | RowError]]
"""Reads a text opened with `newline=""`, holding no more than a row or a section of it.

May raise UnreadableFileError, before the first record or at a line that is too long.
"""
PackageReader = Callable[[Path, FieldNames], Iterator[Record | RowError]]
"""Reads a ZIP package in the same way. Lines are its rows or paragraphs."""


def at_sheet(sheet: str, message: str) -> str:
    """The message, with the sheet's name if it has one."""
    return f"Sheet {shown(sheet)}: {message}" if sheet else message


def shown(text: str, characters: int = 40) -> str:
    """A piece of somebody's file, quoted in a sentence: short and without control characters."""
    visible = "".join(character if character.isprintable() else "�" for character in text)
    return f"“{visible}”" if len(visible) <= characters else f"“{visible[:characters]}…”"
