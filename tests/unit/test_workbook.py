"""Workbooks as they are written: read back unchanged, by others too."""

import io
from pathlib import Path

import openpyxl
import pytest

from knowledge import workbook
from knowledge.importers import xlsx
from knowledge.importers.base import Record
from knowledge.importers.field_names import USUAL


def written(*rows: list[str]) -> bytes:
    file = io.BytesIO()
    workbook.write(file, rows)
    return file.getvalue()


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


def test_same_rows_give_the_same_bytes() -> None:
    assert written(["answer"], ["a"]) == written(["answer"], ["a"])


@pytest.mark.parametrize("text", ["x" * 32_768, "😀" * 16_384, "\x0b", "\uffff"])
def test_text_that_no_cell_holds_is_refused(text: str) -> None:
    with pytest.raises(workbook.UnwritableCellError):
        written([text])


def test_longest_text_is_written() -> None:
    assert written(["x" * 32_767])
