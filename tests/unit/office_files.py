"""Workbooks and documents as other programs write them, and what they must not hold."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
from docx import Document
from docx.document import Document as DocumentType
from openpyxl.cell.rich_text import CellRichText
from openpyxl.workbook import Workbook

Cells = Sequence[str | float | date | CellRichText]


def workbook(
    path: Path, rows: Iterable[Cells], change: Callable[[Workbook], None] | None = None
) -> Path:
    """An XLSX file with these rows on its first sheet."""
    book = openpyxl.Workbook()
    assert book.active
    for row in rows:
        book.active.append(list(row))
    if change:
        change(book)
    book.save(path)
    return path


def document(path: Path, write: Callable[[DocumentType], None]) -> Path:
    """A DOCX file."""
    made = Document()
    write(made)
    made.save(str(path))
    return path


def rewritten(path: Path, parts: dict[str, str | bytes]) -> Path:
    """The package with other or more parts."""
    with ZipFile(path) as package:
        kept = {name: package.read(name) for name in package.namelist()}
    with ZipFile(path, "w", ZIP_DEFLATED) as package:
        for name, content in {**kept, **parts}.items():
            package.writestr(name, content)
    return path


def part(path: Path, name: str) -> str:
    with ZipFile(path) as package:
        return package.read(name).decode()
