"""Word documents as knowledge: headings, bold questions, tables, and what readers do not see."""

from pathlib import Path

import pytest
from docx.document import Document
from docx.shared import RGBColor

from knowledge.importers import docx
from knowledge.importers.base import UnreadableFileError
from tests.unit.imported import errors, file_rows, good
from tests.unit.office_files import document, part, rewritten


def test_headings_are_questions_with_the_text_beneath(tmp_path: Path) -> None:
    def write(made: Document) -> None:
        made.add_heading("常见问题", 0)
        made.add_heading("睡眠", 1)
        made.add_heading("1. 孩子不睡？", 2)
        made.add_paragraph("固定作息。")
        made.add_paragraph("少看屏幕", style="List Bullet")
        made.add_paragraph("")
        made.add_heading("挑食？", 2)
        made.add_paragraph("答：慢慢来。")

    found = good(file_rows(document(tmp_path / "a.docx", write)))

    assert [(row.line, row.wordings, row.topic) for row in found] == [
        (3, ("孩子不睡？",), "常见问题 › 睡眠"),
        (7, ("挑食？",), "常见问题 › 睡眠"),
    ]
    assert [row.text for row in found] == ["固定作息。\n\n- 少看屏幕", "慢慢来。"]


def test_bold_questions_documents_and_tables_are_read(tmp_path: Path) -> None:
    def write(made: Document) -> None:
        made.add_paragraph().add_run("孩子不睡？").bold = True
        made.add_paragraph("固定作息。")
        made.add_paragraph("问：挑食？")
        made.add_paragraph("答：慢慢来。")
        table = made.add_table(2, 2)
        for number, text in enumerate(["问题", "答案", "撞头？", "先看原因。"]):
            table.cell(*divmod(number, 2)).text = text

    found = good(file_rows(document(tmp_path / "a.docx", write)))

    assert [(row.wordings[0], row.text) for row in found] == [
        ("孩子不睡？", "固定作息。"),
        ("挑食？", "慢慢来。"),
        ("撞头？", "先看原因。"),
    ]


def test_hidden_and_white_text_is_left_out_and_told_of(tmp_path: Path) -> None:
    def write(made: Document) -> None:
        for number in range(3):
            made.add_heading(f"q{number}?", 1)
            run = made.add_paragraph("seen ").add_run("unseen")
            run.font.hidden = number == 0
            if number == 1:
                run.font.color.rgb = RGBColor(255, 255, 255)

    found = good(file_rows(document(tmp_path / "a.docx", write)))

    assert [row.text for row in found] == ["seen", "seen", "seen unseen"]
    assert [row.suspicious for row in found] == ["concealed", "concealed", ""]


def test_deleted_text_and_field_codes_are_no_text(tmp_path: Path) -> None:
    path = document(tmp_path / "a.docx", lambda made: made.add_heading("q?", 1) and None)
    body = (
        "<w:p><w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:r><w:instrText>PAGE"
        "</w:instrText><w:t>new</w:t><w:br/><w:t>line</w:t></w:r></w:p>"
    )
    xml = part(path, "word/document.xml")
    end = xml.rindex("<w:sectPr")
    rewritten(path, {"word/document.xml": xml[:end] + body + xml[end:]})

    assert [row.text for row in good(file_rows(path))] == ["new\nline"]


def test_heading_without_text_is_an_error_with_its_paragraph(tmp_path: Path) -> None:
    def write(made: Document) -> None:
        made.add_heading("a?", 1)
        made.add_heading("b?", 1)
        made.add_paragraph("text")

    found = file_rows(document(tmp_path / "a.docx", write))

    assert errors(found) == {1: "The heading “a?” has no text beneath it."}


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"word/vbaProject.bin": b"x"}, "macros"),
        ({"word/document.xml": "<!DOCTYPE a><a/>"}, "document type"),
        ({"word/document.xml": "<a>" * 5_000}, "nested"),
        ({"word/media/x.bin": b"\0" * (64 << 20)}, "over 150 times"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_document_that_is_not_honest_is_refused(
    tmp_path: Path, parts: dict[str, str | bytes], reason: str
) -> None:
    path = rewritten(document(tmp_path / "a.docx", lambda made: None), parts)

    with pytest.raises(UnreadableFileError, match=reason):
        file_rows(path)


def test_document_with_a_template_from_elsewhere_is_refused(tmp_path: Path) -> None:
    path = document(tmp_path / "a.docx", lambda made: None)
    name = "word/_rels/document.xml.rels"
    relations = part(path, name)
    link = (
        '<Relationship Id="r9" Type="x/attachedTemplate" Target="http://e.org"'
        ' TargetMode="External"/>'
    )
    end = relations.rindex("</")
    rewritten(path, {name: relations[:end] + link + relations[end:]})

    with pytest.raises(UnreadableFileError, match="other files"):
        file_rows(path)


def test_long_document_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docx, "DOCUMENT_BYTES", 100)

    with pytest.raises(UnreadableFileError, match="over 100 bytes"):
        file_rows(document(tmp_path / "a.docx", lambda made: None))
