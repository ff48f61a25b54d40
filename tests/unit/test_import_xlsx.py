"""Workbooks as knowledge: sheets, cells, days, formulas, and what is refused."""

import struct
from collections.abc import Callable
from datetime import date
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font, PatternFill
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.workbook import Workbook

from knowledge import workbook as written_by_us
from knowledge.importers import package
from knowledge.importers.base import UnreadableFileError
from tests.unit.imported import errors, file_rows, good
from tests.unit.office_files import Cells, part, rewritten, workbook

HEADER = ["编号", "问题", "答案"]


def test_rows_are_read_with_their_numbers(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx",
        [
            ["常见问题库"],
            [],
            HEADER,
            [1, "孩子不睡？", "固定作息。\n少看屏幕。"],
            [],
            ["b", "挑食？", "慢慢来。"],
        ],
    )

    found = good(file_rows(path))

    assert [(row.line, row.external_id, row.wordings[0]) for row in found] == [
        (4, "1", "孩子不睡？"),
        (6, "b", "挑食？"),
    ]
    assert found[0].text == "固定作息。\n少看屏幕。"


def test_every_visible_sheet_with_an_answer_column_is_read(tmp_path: Path) -> None:
    def more(book: Workbook) -> None:
        for title, state in (("饮食", "visible"), ("旧", "hidden"), ("说明", "visible")):
            sheet = book.create_sheet(title)
            sheet.sheet_state = state
            sheet.append(["怎么用"] if title == "说明" else ["答案", "问题"])
            sheet.append(["", "q"] if title == "饮食" else ["x", "y"])

    found = file_rows(workbook(tmp_path / "a.xlsx", [HEADER, [1, "q", "a"]], more))

    assert [row.text for row in good(found)] == ["a"]
    assert errors(found) == {2: "Sheet “饮食”: The row has no answer."}


def test_cells_are_read_as_a_person_sees_them(tmp_path: Path) -> None:
    runs = CellRichText("plain ", TextBlock(InlineFont(b=True), "bold"))
    header: Cells = ["id", "question", "answer", "verbatim", "reviewed_at", "review_by", "topic"]
    cells: Cells = [7.0, 1.5, runs, True, date(2026, 1, 31), date(2027, 1, 31), 0.1]

    (only,) = good(file_rows(workbook(tmp_path / "a.xlsx", [header, cells])))

    assert (only.external_id, only.wordings, only.text) == ("7", ("1.5",), "plain bold")
    assert (only.verbatim, only.topic) == (True, "0.1")
    assert (only.reviewed_at, only.review_by) == (date(2026, 1, 31), date(2027, 1, 31))


def test_days_of_a_workbook_that_counts_from_1904_are_right(tmp_path: Path) -> None:
    def count_from_1904(book: Workbook) -> None:
        book.epoch = CALENDAR_MAC_1904

    rows: list[Cells] = [["answer", "reviewed_at"], ["a", date(2026, 1, 31)]]

    (only,) = good(file_rows(workbook(tmp_path / "a.xlsx", rows, count_from_1904)))

    assert only.reviewed_at == date(2026, 1, 31)


def test_formula_is_never_worked_out(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx", [HEADER, [1, "q", '=HYPERLINK("http://e.org")'], [2, "q", "a"]]
    )

    found = file_rows(path)

    assert "C2 is a formula" in errors(found)[2]
    assert [row.text for row in good(found)] == ["a"]


def test_result_that_the_file_holds_of_a_formula_is_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [HEADER, [1, "q", "=1+1"]])
    sheet = (
        part(path, "xl/worksheets/sheet1.xml")
        .replace("<v></v>", "<v>2</v>")
        .replace("<v />", "<v>2</v>")
    )
    rewritten(path, {"xl/worksheets/sheet1.xml": sheet})

    assert [row.text for row in good(file_rows(path))] == ["2"]


def test_error_in_a_cell_costs_its_row(tmp_path: Path) -> None:
    found = file_rows(workbook(tmp_path / "a.xlsx", [HEADER, [1, "q", "#REF!"], [2, "q", "a"]]))

    assert list(errors(found)) == [2]
    assert len(good(found)) == 1


def test_row_that_the_sheet_hides_must_be_read_first(tmp_path: Path) -> None:
    def hide(book: Workbook) -> None:
        assert book.active
        book.active.row_dimensions[2].hidden = True

    (only,) = good(file_rows(workbook(tmp_path / "a.xlsx", [HEADER, [1, "q", "a"]], hide)))

    assert only.suspicious == "concealed"


def hide_column(book: Workbook) -> None:
    assert book.active
    book.active.column_dimensions["C"].hidden = True


def write_white(book: Workbook) -> None:
    assert book.active
    book.active["C2"].font = Font(color="FFFFFFFF")


def hide_ids(book: Workbook) -> None:
    assert book.active
    book.active.column_dimensions["A"].hidden = True


def write_white_on_green(book: Workbook) -> None:
    write_white(book)
    assert book.active
    book.active["C2"].fill = PatternFill("solid", fgColor="FF00AA00")


@pytest.mark.parametrize(
    ("change", "suspicious"),
    [
        (hide_column, "concealed"),
        (write_white, "concealed"),
        (hide_ids, ""),
        (write_white_on_green, ""),
    ],
)
def test_cell_that_nobody_sees_must_be_read_first(
    tmp_path: Path, change: Callable[[Workbook], None], suspicious: str
) -> None:
    (only,) = good(file_rows(workbook(tmp_path / "a.xlsx", [HEADER, [1, "q", "a"]], change)))

    assert only.suspicious == suspicious


def test_owner_says_what_columns_mean(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["Frage", "Antwort"], ["q", "a"]])

    (only,) = good(file_rows(path, {"frage": "question", "Antwort": "answer"}))

    assert (only.wordings, only.text) == (("q",), "a")
    with pytest.raises(UnreadableFileError, match="no column “x”"):
        file_rows(path, {"Antwort": "answer", "x": "topic"})


def test_workbook_without_an_answer_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="No sheet has"):
        file_rows(workbook(tmp_path / "a.xlsx", [["x"], ["y"]]))


def test_workbook_of_our_own_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with path.open("wb") as file:
        written_by_us.write(file, [["question", "answer"], ["q <&>", "'=1\n ２ "]])

    (only,) = good(file_rows(path))

    assert (only.wordings, only.text) == (("q <&>",), "=1\n ２")


def test_texts_of_many_cells_are_found_again(tmp_path: Path) -> None:
    rows: list[Cells] = [[n, f"问题{n}", f"答案{n}"] for n in range(2_000)]

    found = good(file_rows(workbook(tmp_path / "a.xlsx", [HEADER, *rows])))

    assert [row.text for row in found] == [f"答案{n}" for n in range(2_000)]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"xl/vbaProject.bin": b"x"}, "macros"),
        ({"xl/big.bin": b"\0" * (64 << 20)}, "over 150 times"),
        ({"xl/worksheets/sheet1.xml": "<worksheet><sheetData><row"}, "not XML"),
        ({"xl/worksheets/sheet1.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}, "document type"),
        ({"xl/worksheets/sheet1.xml": b"<a b='" + b"x" * (5 << 20) + b"'/>"}, "no end"),
        ({"xl/worksheets/sheet1.xml": "<a><row><c r='XFE1'/></row></a>"}, "too many columns"),
        ({"xl/worksheets/sheet1.xml": "<a><row><c t='s'><v>9</v></c></row></a>"}, "missing"),
        ({"_rels/.rels": "<Relationships/>"}, "no document"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_workbook_that_is_not_honest_is_refused(
    tmp_path: Path, parts: dict[str, str | bytes], reason: str
) -> None:
    path = rewritten(workbook(tmp_path / "a.xlsx", [HEADER, [1, "q", "a"]]), parts)

    with pytest.raises(UnreadableFileError, match=reason):
        file_rows(path)


def test_workbook_that_takes_values_from_other_files_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [HEADER, [1, "q", "a"]])
    relations = part(path, "xl/_rels/workbook.xml.rels")
    link = '<Relationship Id="r9" Type="x/externalLink" Target="externalLinks/externalLink1.xml"/>'
    end = relations.rindex("</")
    rewritten(path, {"xl/_rels/workbook.xml.rels": relations[:end] + link + relations[end:]})

    with pytest.raises(UnreadableFileError, match="other files"):
        file_rows(path)


def test_bomb_is_refused_before_anything_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xlsx"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive, archive.open("xl/workbook.xml", "w") as part_:
        for _ in range(64):
            part_.write(b"\0" * (1 << 20))
    monkeypatch.setattr(ZipFile, "open", None)

    with pytest.raises(UnreadableFileError, match="over 150 times"):
        file_rows(path)


def test_directory_that_lies_about_sizes_unpacks_no_more_than_it_says(tmp_path: Path) -> None:
    rows: list[Cells] = [[n, "q", "a" * 99] for n in range(5_000)]
    path = workbook(tmp_path / "a.xlsx", [HEADER, *rows])
    with ZipFile(path) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", size), struct.pack("<I", 4_096)))

    with pytest.raises(UnreadableFileError, match="damaged"):
        file_rows(path)


@pytest.mark.parametrize("what", ["parts", "bytes", "packing"])
def test_limits_of_packages_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    path = workbook(tmp_path / "a.xlsx", [HEADER, [1, "q", "a"]])
    if what == "packing":
        with ZipFile(path, "a", ZIP_BZIP2) as archive:
            archive.writestr("xl/other.xml", "x")
    else:
        monkeypatch.setattr(package, "MEMBERS" if what == "parts" else "EXPANDED_BYTES", 3)

    with pytest.raises(UnreadableFileError, match=r"allowed|packed in a way"):
        file_rows(path)
