"""XLSX workbooks: every visible sheet with a row that names an answer column is a table."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from xml.etree.ElementTree import Element

from knowledge.importers.base import Record, RowError, UnreadableFileError
from knowledge.importers.field_names import FieldNames
from knowledge.importers.package import Package, opened_package
from knowledge.importers.shared_texts import SharedTexts, shared_texts
from knowledge.importers.sheet import Dates, Styles, int_of, sheet_rows
from knowledge.importers.table import (
    TableRow,
    check_columns,
    check_mapped,
    names_an_answer,
    records,
)

HEADER_ROWS = 10
"""The columns are named in one of the first rows that are not empty; a title may stand before."""
SHEETS = 200
DATE_FORMATS = frozenset([*range(14, 18), 22, *range(27, 37), *range(50, 59)])
"""The built-in number formats that show a day."""
NO_DATE_CODE = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
"""What a number format shows as it is, and its colours and conditions."""

WHITE = {"FFFFFFFF", "00FFFFFF", "FFFFFF"}
PAPER = "0"
"""Of a theme's colours, the one that cells have without a fill."""
NO_FILL = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbook:
    package: Package
    sheets: list[tuple[str, str]]
    """Names of the visible sheets, and their parts."""
    texts: SharedTexts
    styles: Styles

    def rows(self, part: str) -> Iterator[TableRow]:
        """Those that are not empty."""
        with self.package.part(part) as file:
            for row in sheet_rows(file, self.texts, self.styles):
                if row.filled:
                    yield row

    def header(self, part: str, names: FieldNames) -> TableRow | None:
        """The row that names the columns, if the sheet has one."""
        first = islice(self.rows(part), HEADER_ROWS)
        return next((row for row in first if names_an_answer(row.cells, names)), None)


def read(path: Path, names: FieldNames) -> Iterator[Record | RowError]:
    with opened_package(path) as package:
        main = package.main_part()
        refuse_links(package, main)
        strings = related(package, main, "sharedStrings")
        with shared_texts(package, strings) as texts:
            book = Workbook(
                package=package,
                sheets=visible_sheets(package, main),
                texts=texts,
                styles=styles_of(package, main),
            )
            yield from sheet_records(book, names)


def sheet_records(book: Workbook, names: FieldNames) -> Iterator[Record | RowError]:
    headers = {name: (part, book.header(part, names)) for name, part in book.sheets}
    tables = {name: (part, row) for name, (part, row) in headers.items() if row}
    if not tables:
        raise UnreadableFileError(
            f"No sheet has, in its first {HEADER_ROWS} rows, a row that names the columns; one of"
            " them must be “answer” or “答案”."
        )
    check_mapped([cell for _, header in tables.values() for cell in header.cells], names)
    for name, (part, header) in tables.items():
        check_columns(header.cells)
        below = (row for row in book.rows(part) if row.line > header.line)
        yield from records(header.cells, below, names, name if len(tables) > 1 else "")


def refuse_links(package: Package, main: str) -> None:
    """Raises UnreadableFileError if cells may come from other files."""
    if any(each.kind.startswith("externalLink") for each in package.relations(main).values()):
        raise UnreadableFileError(
            "The workbook takes values from other files. Copy them as values, and save it again."
        )


def related(package: Package, main: str, kind: str) -> str:
    """The part of this kind, "" if there is none."""
    found = [each.target for each in package.relations(main).values() if each.kind == kind]
    return found[0] if found else ""


def visible_sheets(package: Package, main: str) -> list[tuple[str, str]]:
    """Names of sheets and their parts, in the order of the tabs."""
    relations = package.relations(main)
    named = [each for each in package.elements(main, depth=3) if each.tag == "sheet"]
    if len(named) > SHEETS:
        raise UnreadableFileError(f"The file has {len(named):,} sheets; {SHEETS} are allowed.")
    found = [
        (each.get("name", ""), relations[each.get("id", "")])
        for each in named
        if each.get("state", "visible") == "visible" and each.get("id", "") in relations
    ]
    return [(name, relation.target) for name, relation in found if relation.kind == "worksheet"]


def styles_of(package: Package, main: str) -> Styles:
    parts = list(package.elements(related(package, main, "styles"), depth=2))
    properties = [each for each in package.elements(main, depth=2) if each.tag == "workbookPr"]
    since_1904 = any(each.get("date1904") in {"1", "true"} for each in properties)
    # Day 60 is 29 February 1900, which never was; from March on this epoch is right.
    epoch = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001
    return Styles(dates=Dates(styles=date_styles(parts), epoch=epoch), white=white_styles(parts))


def date_styles(parts: list[Element]) -> frozenset[int]:
    """The numbers of the cell styles that show a day."""
    formats = DATE_FORMATS | {
        int_of(each.get("numFmtId", ""), 0)
        for each in entries(parts, "numFmts")
        if re.search("[ymd]", NO_DATE_CODE.sub("", each.get("formatCode", "").lower()))
    }
    return frozenset(
        number
        for number, style in enumerate(entries(parts, "cellXfs"))
        if int_of(style.get("numFmtId", ""), 0) in formats
    )


def white_styles(parts: list[Element]) -> frozenset[int]:
    """The numbers of the cell styles that write in white and fill the cell with nothing."""
    white = {number for number, font in enumerate(entries(parts, "fonts")) if writes_white(font)}
    return frozenset(
        number
        for number, style in enumerate(entries(parts, "cellXfs"))
        if int_of(style.get("fontId", ""), 0) in white
        and int_of(style.get("fillId", ""), NO_FILL) == NO_FILL
    )


def writes_white(font: Element) -> bool:
    return any(
        each.tag == "color" and (each.get("rgb", "").upper() in WHITE or each.get("theme") == PAPER)
        for each in font
    )


def entries(parts: list[Element], name: str) -> list[Element]:
    """What a list of the workbook's styles holds, in its order."""
    return [each for part in parts if part.tag == name for each in part]
