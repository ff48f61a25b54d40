"""What readers make of files: encodings, the three formats, and which rows are refused."""

import contextlib
import gzip
import io
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge.importers import csv_file, jsonl, text
from knowledge.importers.base import Reader, Record, Row, RowError, UnreadableFileError
from knowledge.importers.encoding import CHUNK_BYTES, detect
from knowledge.importers.field_names import FIELDS
from knowledge.importers.files import (
    KnowledgeFile,
    NoKnowledgeFileError,
    distinct,
    knowledge_files,
    opened,
    rows,
)
from knowledge.importers.lines import LINE_CHARACTERS
from knowledge.importers.rows import row_of
from knowledge.plain_text import storable

CHINESE = "编号,问题,答案\r\n1,孩子不说话怎么办？,先做听力检查。\r\n"


def read(reader: Reader, content: str) -> list[Row | RowError]:
    records = reader(io.StringIO(content, newline=""))
    return [each if isinstance(each, RowError) else row_of(each) for each in records]


def errors(found: Iterable[Row | RowError]) -> dict[int, str]:
    return {each.line: each.message for each in found if isinstance(each, RowError)}


def good(found: Iterable[Row | RowError]) -> list[Row]:
    return [each for each in found if isinstance(each, Row)]


def row(**fields: object) -> Row:
    result = row_of(Record(line=1, fields=tuple(fields.items())))
    assert isinstance(result, Row), result
    return result


def refusal(**fields: object) -> str:
    result = row_of(Record(line=1, fields=tuple(fields.items())))
    assert isinstance(result, RowError), result
    return result.message


def written(folder: Path, content: bytes, name: str = "answers.csv") -> KnowledgeFile:
    path = folder / name
    path.write_bytes(content)
    return KnowledgeFile(path=path, name=name, source="clinic")


# --- Encodings


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
    with pytest.raises(UnreadableFileError, match="This is not a text but"):
        opened(written(tmp_path, content))


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


# --- JSON Lines


def test_each_bad_line_of_json_is_named_and_the_others_are_read() -> None:
    lines = [
        '{"id": "1", "answer": "a"}',
        '{"id": "2", "answer": "a",}',
        "",
        '{"id": "3", "answer": NaN}',
        '{"id": "4", "id": "5", "answer": "a"}',
        '["a"]',
        '{"id": "6", "answer": "a", "deep": ' + "[" * 1000 + "]" * 1000 + "}",
        '{"id": "7", "answer": "a", "deep": ' + "[" * 17 + "]" * 17 + "}",
        '{"id": "8", "answer": "a", "long": ' + "9" * 5000 + "}",
        '{"id": "9", "answer": "a"}',
        '{"id": "10", "ans',
    ]

    found = read(jsonl.read, "\r\n".join(lines))

    assert [row.external_id for row in good(found)] == ["1", "9"]
    assert list(errors(found)) == [2, 4, 5, 6, 7, 8, 9, 11]
    assert "“id” comes twice" in errors(found)[5]


def test_line_without_end_costs_one_row_and_little_memory() -> None:
    endless = '{"answer": "' + "x" * 3 * LINE_CHARACTERS
    found = read(jsonl.read, endless + '\n{"answer": "a"}')

    assert list(errors(found)) == [1]
    assert [row.line for row in good(found)] == [2]


def test_json_array_is_read_with_the_line_of_each_element() -> None:
    found = read(jsonl.read, json.dumps([{"answer": "a"}, {"answer": "b"}], indent=1))

    assert [(row.line, row.text) for row in good(found)] == [(2, "a"), (5, "b")]


def test_flaw_in_an_array_hides_no_other_element() -> None:
    found = read(jsonl.read, '[{"answer": NaN},\n{"answer": "b"},\n{"answer": "c"\n]')

    assert [row.text for row in good(found)] == ["b"]
    assert list(errors(found)) == [1, 4]


@pytest.mark.parametrize("end", ["]x", "", "] []", ",]"])
def test_array_that_does_not_end_well_is_an_error(end: str) -> None:
    found = read(jsonl.read, '[{"answer": "a"}' + end)

    assert [row.text for row in good(found)] == ["a"]
    assert len(errors(found)) == 1


@given(
    answers=st.lists(st.text(st.characters(codec="utf-8", categories=["L", "P", "N"]), min_size=1)),
    indent=st.sampled_from([None, 1]),
)
def test_array_says_the_same_as_lines(answers: list[str], indent: int | None) -> None:
    objects = [{"answer": answer} for answer in answers]

    from_array = read(jsonl.read, json.dumps(objects, indent=indent))
    from_lines = read(jsonl.read, "\n".join(json.dumps(each) for each in objects))

    assert [row.text for row in good(from_array)] == [row.text for row in good(from_lines)]
    assert len(from_array) == len(answers)


# --- CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiter_is_found_from_the_first_row(delimiter: str) -> None:
    content = CHINESE.replace(",", delimiter)

    (only,) = good(read(csv_file.read, content))

    assert (only.external_id, only.wordings) == ("1", ("孩子不说话怎么办？",))


def test_wordings_come_from_several_columns_and_from_one_cell() -> None:
    content = 'Question,question_2,Question 3,ANSWER\n"a|b\nc",d,e,yes\n'

    (only,) = good(read(csv_file.read, content))

    assert only.wordings == ("a", "b", "c", "d", "e")


def test_row_is_named_by_the_line_it_starts_on() -> None:
    content = 'question,answer\n\n"q","one\ntwo"\nq2,\nq3,a,extra\n'

    found = read(csv_file.read, content)

    assert [(row.line, row.text) for row in good(found)] == [(3, "one\ntwo")]
    assert list(errors(found)) == [5, 6]


@pytest.mark.parametrize("swallowed", ["3,c\n4,d\n", '3,"c"\n4,d\n', "3,c\n" * 300_000])
def test_quote_that_is_never_closed_is_found_where_it_opens(swallowed: str) -> None:
    found = read(csv_file.read, 'id,answer\n1,a\n2,"b\n' + swallowed)

    assert [row.text for row in good(found)] == ["a"]
    assert "quotation mark" in errors(found)[3]


def test_cell_beyond_the_limit_costs_one_row() -> None:
    found = read(csv_file.read, f"id,answer\n1,{'x' * 200_000}\n2,b\n")

    assert [row.text for row in good(found)] == ["b"]
    assert "150,000" in errors(found)[2]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (",".join(["answer"] * 10_000), "10,000 columns; 200 are allowed"),
        ("1,why?,because\n", "first row must name the columns"),
        ("", "first row must name the columns"),
        (f"answer\n{'x' * 2 * LINE_CHARACTERS}", "more than 1,000,000 characters"),
    ],
    ids=["columns", "no header", "empty", "endless line"],
)
def test_table_that_makes_no_sense_is_refused(content: str, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        read(csv_file.read, content)


def test_guard_before_a_formula_is_taken_off() -> None:
    found = read(csv_file.read, "question,answer\n'=1+1?,'-2\n'plain',it's\n")

    assert [(row.wordings[0], row.text) for row in good(found)] == [
        ("=1+1?", "-2"),
        ("'plain'", "it's"),
    ]


# --- Text


@pytest.mark.parametrize(
    "content",
    [
        "question: a\nanswer: b\n\nquestion: c\nanswer: d",
        "question: a answer: b\nquestion: c answer: d",
        "question: a answer: b question: c answer: d",
        "QUESTION：a\n\nAnswer：b\n---\nQuestion : c\nANSWER : d\n---\n",
        "问题：a\n答案：b\n问题：c\n回答：d\n",
        "问题：a答案：b\r\n问题：c答案：d\r\n",
        "问：a\n答：b\n\n\n问：c\n答：d",
        "Q: a\nA: b\nQ: c\nA: d",
        "Q: a A: b\nQ: c A: d",
    ],
)
def test_documents_are_told_apart_in_every_form(content: str) -> None:
    found = read(text.read, content)

    assert [(row.wordings[0], row.text) for row in good(found)] == [("a", "b"), ("c", "d")]


def test_answer_goes_on_over_paragraphs_until_the_next_question() -> None:
    content = (
        "question: a\nanswer: one\n\ntwo\n---\nthe question: is not new\n\nquestion: c\nanswer: d"
    )

    found = read(text.read, content)

    assert [row.text for row in good(found)] == ["one\n\ntwo\n---\nthe question: is not new", "d"]
    assert [row.line for row in good(found)] == [1, 8]


def test_answer_may_speak_of_questions_within_its_line() -> None:
    found = read(text.read, "question: a answer: ask the question: why?\n")

    assert [row.text for row in good(found)] == ["ask the question: why?"]


def test_answer_after_a_rule_needs_no_question() -> None:
    found = read(text.read, "answer: a\n---\nanswer: b\n")

    assert [(row.wordings, row.text) for row in good(found)] == [((), "a"), ((), "b")]


def test_text_that_belongs_nowhere_is_an_error() -> None:
    found = read(text.read, "FAQ\n\nquestion: a\nquestion: b\nanswer: c\nanswer: d\n")

    assert list(errors(found)) == [1, 3, 4]
    assert "two answers" in errors(found)[4]


def test_document_without_end_costs_one_row() -> None:
    found = read(text.read, "question: a\nanswer: b\n" + "\n" * 200_000 + "c\nQ: d\nA: e\n")

    assert "200,000" in errors(found)[1]
    assert [row.text for row in good(found)] == ["e"]


WORDS = st.text(st.sampled_from("ab 孩子，。\n-"), min_size=1).filter(
    lambda text: text.strip(" \n-")
)


@given(documents=st.lists(st.tuples(WORDS, WORDS)))
def test_written_documents_are_read_back(documents: list[tuple[str, str]]) -> None:
    content = "".join(f"question: {q}\nanswer: {a}\n" for q, a in documents)

    found = read(text.read, content)

    assert len(good(found)) == len(documents)


# --- Rows


def test_fields_have_english_and_chinese_names() -> None:
    assert row(问题="q", 答案="a", 分类="t", 专家="e") == row(
        Question="q", ANSWER="a", Category="t", expert="e"
    )


@pytest.mark.parametrize(
    "name",
    ["status", "Published", "reviewed_by", "reviewer", "embedding", "vector", "version", "owner"],
)
def test_what_only_people_decide_is_refused(name: str) -> None:
    assert f"“{name}” may not be set by a file" in refusal(answer="a", **{name: "x"})


def test_flags_are_refused_but_an_empty_cell_sets_nothing() -> None:
    assert "may not be set" in refusal(answer="a", is_admin=False)
    assert row(answer="a", status=" ").text == "a"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"question": "q"}, "no answer"),
        ({"answer": "\u200b "}, "no answer"),
        ({"answer": 5}, "must be text"),
        ({"answer": "x" * 50_001}, "50,000"),
        ({"answer": "a", "question": "q" * 2_001}, "2,000"),
        ({"answer": "a", "questions": ["q"] * 51}, "50"),
        ({"answer": "a", "questions": [["q"]]}, "list of texts"),
        ({"answer": "a\0"}, "NUL"),
        ({"answer": "a\ud800"}, "half a pair"),
        ({"answer": "a", "reviewed_at": "2026-02-30"}, "2026-01-31"),
        ({"answer": "a", "review_by": "20260131"}, "2026-01-31"),
        ({"answer": "a", "reviewed_at": "2026-02-01", "review_by": "2026-01-01"}, "before"),
        ({"answer": "a", "locale": "fr"}, "neither Chinese"),
        ({"answer": "a", "verbatim": "perhaps"}, "true or false"),
        ({"answer": "a", "basis_url": "javascript:alert(1)"}, "web address"),
        ({"answer": "a", "id": "x" * 201}, "200"),
        ({"answer": "a", "topic": "x", "category": "y"}, "twice"),
    ],
)
def test_bad_value_is_refused_with_a_reason(fields: dict[str, object], reason: str) -> None:
    assert reason in refusal(**fields)


@given(
    fields=st.dictionaries(
        st.sampled_from([*FIELDS, "other"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=3,
        ),
    )
)
def test_any_value_makes_a_row_or_a_reason(fields: dict[str, object]) -> None:
    result = row_of(Record(line=1, fields=tuple(fields.items())))

    assert isinstance(result, RowError) or storable(result.text)


def test_all_fields_are_kept() -> None:
    full = row(
        id=7,
        question="q",
        answer="a",
        topic="sleep",
        verbatim="true",
        expert="Dr Wang",
        role="therapist",
        basis="guideline",
        basis_url="https://example.org/g",
        reviewed_at="2026-01-31",
        review_by="2027-01-31",
    )

    assert (full.external_id, full.topic, full.verbatim) == ("7", "sleep", True)
    assert (full.expert_name, full.expert_role) == ("Dr Wang", "therapist")
    assert (full.basis, full.basis_url) == ("guideline", "https://example.org/g")
    assert (full.reviewed_at, full.review_by) == (date(2026, 1, 31), date(2027, 1, 31))


@pytest.mark.parametrize(
    ("said", "locale"),
    [("zh", "zh-hans"), ("zh-CN", "zh-hans"), ("中文", "zh-hans"), ("en_GB", "en"), ("EN", "en")],
)
def test_languages_have_many_names(said: str, locale: str) -> None:
    assert row(answer="a", lang=said).locale == locale


def test_language_that_is_not_said_is_read_from_the_text() -> None:
    assert row(question="why?", answer="因为睡得太少。").locale == "zh-hans"
    assert row(answer="Because.").locale == "en"


def test_row_without_an_id_is_known_by_its_first_wording() -> None:
    first = row(questions=["q", "r"], answer="a").external_id

    assert first == row(question="q", answer="other").external_id
    assert first != row(question="r", answer="a").external_id
    assert first.startswith("sha256:")
    assert len(first) == len("sha256:") + 32


def test_hidden_characters_are_taken_out_and_flagged() -> None:
    hidden = row(question="q\u200b", answer="\ufeffa\U000e0041b\u202e")

    assert (hidden.wordings, hidden.text) == (("q",), "ab")
    assert hidden.flagged
    assert not row(question="q", answer="a\r\nb").flagged


def test_same_wording_twice_is_one_wording() -> None:
    assert row(questions=["q", " q", "r", ""], answer="a").wordings == ("q", "r")


def test_origin_stands_in_for_a_missing_basis() -> None:
    told = row(answer="a", source="NIH", licence="CC0", focus="sleep")
    ignored = row(answer="a", source="NIH", basis="guideline")

    assert (told.basis, told.ignored) == ("NIH; CC0", ("focus",))
    assert (ignored.basis, ignored.ignored) == ("guideline", ("source",))


# --- Files


def test_id_comes_once_in_all_files_of_a_source(tmp_path: Path) -> None:
    one = opened(written(tmp_path, b"id,answer\n1,a\n1,b\n", "one.csv"))
    two = opened(written(tmp_path, b"id,answer\n1,c\n2,d\n", "two.csv"))
    ids: dict[tuple[str, str], str] = {}

    found = [*distinct(one, ids), *distinct(two, ids)]

    assert [row.text for row in good(found)] == ["a", "d"]
    assert errors(found) == {
        3: "The id “1” is already at one.csv:2.",
        2: "The id “1” is already at one.csv:2.",
    }


def test_folder_gives_its_name_to_all_knowledge_files_below(tmp_path: Path) -> None:
    folder = tmp_path / "clinic"
    (folder / "deeper").mkdir(parents=True)
    for name in ("b.csv", "a.JSONL", "deeper/c.txt", "README.md", ".hidden.csv"):
        (folder / name).touch()

    found = knowledge_files(folder)

    assert [file.path.name for file in found] == ["a.JSONL", "b.csv", "c.txt"]
    assert [file.format for file in found] == ["jsonl", "csv", "text"]
    assert {file.source for file in found} == {"clinic"}


def test_path_without_knowledge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoKnowledgeFileError, match="no file or folder"):
        knowledge_files(tmp_path / "missing.csv")
    with pytest.raises(NoKnowledgeFileError, match="has no file that ends in"):
        knowledge_files(tmp_path)


@pytest.mark.parametrize(
    ("content", "file_format"),
    [(b' {"answer": "a"}', "jsonl"), ("问题：a".encode(), "text"), (b"id,answer", "csv")],
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
