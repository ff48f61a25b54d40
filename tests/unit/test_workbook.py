"""Workbooks as they are written: read back unchanged, by others too."""

import io
from pathlib import Path

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge import workbook
from knowledge.importers import xlsx
from knowledge.importers.base import Record
from knowledge.importers.field_names import USUAL
from knowledge.importers.shared_texts import CellText
from knowledge.importers.xml_parts import parse


def written(*rows: list[str]) -> bytes:
    file = io.BytesIO()
    workbook.write(file, rows)
    return file.getvalue()


class TextCell:
    """The text of one cell, as ingest reads it."""

    def __init__(self) -> None:
        self.cell = CellText()

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self.cell.start(name)

    def end(self, name: str) -> None:
        self.cell.end(name)

    def text(self, data: str) -> None:
        self.cell.add(data)


def test_cells_are_texts_for_other_programs() -> None:
    cells = ["=1+1", "007", "2026-01-31", " <a> & \n b ", "中文😀", ""]

    sheet = openpyxl.load_workbook(io.BytesIO(written(["answer"] * 6, cells)))["answers"]

    row = list(sheet.rows)[1]
    assert [cell.value or "" for cell in row] == cells
    assert {cell.data_type for cell in row[:5]} == {"s"} or {
        cell.data_type for cell in row[:5]
    } == {"inlineStr"}


def test_workbook_is_read_back_by_ingest(tmp_path: Path) -> None:
    path = tmp_path / "answers.xlsx"
    path.write_bytes(written(["id", "answer"], ["007", "a\n b\tc"], ["", "d"]))

    records = [each for each in xlsx.read(path, USUAL) if isinstance(each, Record)]

    assert [dict(record.fields) for record in records] == [
        {"id": "007", "answer": "a\n b\tc"},
        {"id": "", "answer": "d"},
    ]


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("_x00\r\x0b\uffff")))
@example("_x000D_x000D_ _x005F_x000B_ _x0041_ _xD83D_ a\r\nb\x0b\uffff")
def test_every_text_is_read_back(text: str) -> None:
    cells = TextCell()

    for _ in parse(io.BytesIO(workbook.cell(text).encode()), cells):
        pass

    assert cells.cell.taken() == text


def test_escapes_are_those_of_other_programs(tmp_path: Path) -> None:
    path = tmp_path / "answers.xlsx"
    book = openpyxl.Workbook()
    assert book.active
    book.active.append(["answer"])
    book.active.append(["a_x000B_b _x005F_x000B_"])
    book.save(path)

    (record,) = xlsx.read(path, USUAL)

    assert isinstance(record, Record)
    assert dict(record.fields) == {"answer": "a\x0bb _x000B_"}


def test_same_rows_give_the_same_bytes() -> None:
    assert written(["answer"], ["a"]) == written(["answer"], ["a"])


@pytest.mark.parametrize("text", ["x" * 32_768, "😀" * 16_384])
def test_text_that_no_cell_holds_is_refused(text: str) -> None:
    with pytest.raises(workbook.UnwritableCellError):
        written([text])


def test_longest_text_is_written() -> None:
    assert written(["x" * 32_767])
