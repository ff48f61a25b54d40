"""Files of knowledge: their encodings and formats, and which are refused."""

import contextlib
import gzip
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge.importers.base import UnreadableFileError
from knowledge.importers.encoding import CHUNK_BYTES, detect
from knowledge.importers.files import (
    KnowledgeFile,
    NoKnowledgeFileError,
    knowledge_files,
    opened,
    rows,
)
from tests.unit.imported import CHINESE, good


def written(folder: Path, content: bytes, name: str = "answers.csv") -> KnowledgeFile:
    path = folder / name
    path.write_bytes(content)
    return KnowledgeFile(path=path, name=name, source="clinic")


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_chinese_is_read_in_every_encoding_that_spreadsheets_save(
    tmp_path: Path, codec: str
) -> None:
    file = opened(written(tmp_path, CHINESE.encode(codec)))

    assert file.encoding == codec
    assert [row.text for row in good(rows(file))] == ["先做听力检查。"]


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_byte_that_fits_no_encoding_is_named_with_line_and_offset(
    tmp_path: Path, codec: str
) -> None:
    before = CHINESE.encode(codec)
    file = written(tmp_path, before + b"2,q\xff,a\r\n")

    with pytest.raises(UnreadableFileError, match=f"0xFF at offset {len(before) + 3} ") as caught:
        opened(file)

    assert caught.value.line == 3


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16-le", "gb18030"])
def test_nul_is_refused_with_its_offset(tmp_path: Path, codec: str) -> None:
    mark = "\ufeff" if codec == "utf-16-le" else ""
    before = (mark + CHINESE).encode(codec)
    file = written(tmp_path, before + "\0,".encode(codec.removesuffix("-sig")))

    with pytest.raises(UnreadableFileError, match=f"NUL at byte offset {len(before)} ") as caught:
        opened(file)

    assert caught.value.line == 3


def test_offset_is_right_far_into_a_file(tmp_path: Path) -> None:
    before = ("x" + "中" * CHUNK_BYTES).encode("gb18030")

    with pytest.raises(UnreadableFileError, match=f"offset {len(before)} "):
        opened(written(tmp_path, before + b"\xff"))


def test_utf8_cut_within_a_letter_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    cut = "孩子不说话".encode()[:-1]
    assert cut.decode("gb18030")

    with pytest.raises(UnreadableFileError, match="offset 12 "):
        opened(written(tmp_path, cut))


def test_western_quotation_marks_are_not_taken_for_chinese(tmp_path: Path) -> None:
    windows = "id,answer\n1,You can’t and you don’t.\n".encode("cp1252")
    assert "抰" in windows.decode("gb18030")

    with pytest.raises(UnreadableFileError, match="0x92"):
        opened(written(tmp_path, windows))


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"id,answer"), b"PK\x03\x04rest", b"%PDF-1.7", b"\x89PNG\r\n"],
    ids=["gzip", "workbook", "pdf", "png"],
)
def test_what_is_no_text_is_refused_whatever_its_name(tmp_path: Path, content: bytes) -> None:
    written(tmp_path, content, "answers.csv")
    (file,) = knowledge_files(tmp_path)

    with pytest.raises(UnreadableFileError, match="This is not a text but"):
        opened(file)


@given(content=st.binary() | st.text().map(str.encode))
@example(content="联通".encode("gbk"))
def test_detected_encoding_reads_all_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)

    with contextlib.suppress(UnreadableFileError):
        encoding = detect(path)
        assert "\0" not in path.read_text(encoding=encoding)


def test_folder_gives_its_name_to_all_knowledge_files_below(tmp_path: Path) -> None:
    folder = tmp_path / "clinic"
    (folder / "deeper").mkdir(parents=True)
    (folder / ".obsidian").mkdir()
    for name in ("b.csv", "a.JSONL", "d.xlsx", "e.docx", "f.htm", "g.md"):
        (folder / name).touch()
    for name in ("deeper/c.txt", "photo.png", ".hidden.csv", ".obsidian/a.json", "~$d.xlsx"):
        (folder / name).touch()
    for name in ("README.md", "deeper/README.zh-hans.md", "License.txt", "queries.jsonl"):
        (folder / name).touch()

    found = knowledge_files(folder)

    assert [file.path.name for file in found] == [
        *("a.JSONL", "b.csv", "d.xlsx", "c.txt", "e.docx", "f.htm", "g.md"),
    ]
    assert [file.format for file in found] == [
        *("jsonl", "csv", "xlsx", "text", "docx", "html", "markdown"),
    ]
    assert {file.source for file in found} == {"clinic"}


def test_path_without_knowledge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoKnowledgeFileError, match="no file or folder"):
        knowledge_files(tmp_path / "missing.csv")
    with pytest.raises(NoKnowledgeFileError, match="has no file that ends in"):
        knowledge_files(tmp_path)


@pytest.mark.parametrize(
    ("content", "file_format"),
    [
        (b' {"answer": "a"}', "jsonl"),
        ("问题：a".encode(), "text"),
        (b"id,answer", "csv"),
        (b"<!doctype html><p>a", "html"),
        (b"<!-- x -->\n<HTML><body>", "html"),
        ("# 睡眠\n".encode(), "markdown"),
    ],
)
def test_format_is_found_out_where_a_name_does_not_tell(
    tmp_path: Path, content: bytes, file_format: str
) -> None:
    assert opened(written(tmp_path, content, "answers.dat")).format == file_format


def test_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    file = opened(written(tmp_path, b"id,answer\n1,a\n"))
    file.file.path.write_bytes(b"id,answer\n1,a\n2,b\n")

    with pytest.raises(UnreadableFileError, match="changed"):
        list(rows(file))


@pytest.mark.parametrize(
    "content",
    [
        "问：一？\n答：甲。\n\n问：二？\n答：乙。\n",
        "# 一？\n甲。\n# 二？\n乙。\n",
        "一？\n甲。\n\n二？\n乙。\n",
        "\n1. 一？\n甲。\n2. 二？\n乙。\n",
        "（1）一？\n\n甲。\n（2）二？\n\n乙。\n",
    ],
)
def test_text_file_may_be_a_list_of_questions(tmp_path: Path, content: str) -> None:
    written(tmp_path, content.encode(), "faq.txt")
    (file,) = knowledge_files(tmp_path)

    found = good(rows(opened(file)))

    assert [(row.wordings[0], row.text) for row in found] == [("一？", "甲。"), ("二？", "乙。")]


def test_question_within_an_answer_of_a_list_begins_none(tmp_path: Path) -> None:
    written(tmp_path, "1. 一？\n\n为什么？\n甲。\n\n2. 二？\n乙。\n".encode(), "faq.txt")
    (file,) = knowledge_files(tmp_path)

    assert [row.text for row in good(rows(opened(file)))] == ["为什么？\n甲。", "乙。"]
