"""Writes an XLSX workbook of one sheet of texts (ECMA-376), a row at a time.

The same rows give the same bytes. Every cell is a text: none is a formula, whatever it begins with.
"""

import re
from collections.abc import Iterable, Sequence
from typing import BinaryIO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

CELL_CHARACTERS = 32_767
ROWS = 1_048_576
SHEET_BYTES = 2_000_000_000
"""ZIP without its 64-bit extension, which not every spreadsheet reads, ends soon after."""
ESCAPED = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""What XML cannot hold or changes, and what looks like its escape (ECMA-376, ST_Xstring)."""
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{CONTENT}.sheet.main+xml"/>'
        f'<Override PartName="/xl/sheet.xml" ContentType="{CONTENT}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{OFFICE}/worksheet" Target="sheet.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{NAMESPACE}" xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="answers" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
}


class UnwritableCellError(ValueError):
    """A workbook cannot hold this text; the sentence says why."""


def write(file: BinaryIO, rows: Iterable[Sequence[str]]) -> None:
    """Raises UnwritableCellError."""
    with ZipFile(file, "w", ZIP_DEFLATED) as package:
        for name, content in PARTS.items():
            package.writestr(part(name), XML + content)
        written = 0
        with package.open(part("xl/sheet.xml"), "w") as sheet:
            sheet.write(f'{XML}<worksheet xmlns="{NAMESPACE}"><sheetData>'.encode())
            for number, cells in enumerate(rows, start=1):
                written += sheet.write(f"<row>{''.join(map(cell, cells))}</row>".encode())
                if number > ROWS or written > SHEET_BYTES:
                    raise UnwritableCellError("These are more rows than a workbook can hold.")
            sheet.write(b"</sheetData></worksheet>")


def part(name: str) -> ZipInfo:
    info = ZipInfo(name)  # with no time of its own
    info.compress_type = ZIP_DEFLATED
    return info


def cell(text: str) -> str:
    if not text:
        return "<c/>"
    if len(text.encode("utf-16-le")) > CELL_CHARACTERS * 2:
        raise UnwritableCellError(
            f"A text has more than {CELL_CHARACTERS:,} characters, which is all that a cell holds."
        )
    plain = ESCAPED.sub(lambda each: f"_x{ord(each[0]):04X}_", text)
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(plain)}</t></is></c>'
