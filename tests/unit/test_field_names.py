"""Names of columns, in two languages and as the owner of a file says."""

from pathlib import Path

import pytest

from knowledge.importers import csv_file
from knowledge.importers.base import UnreadableFileError
from knowledge.importers.field_names import (
    FIELDS,
    SYNONYMS,
    USUAL,
    FieldMapError,
    field_map,
    field_names,
    unified,
)
from knowledge.importers.files import knowledge_files
from tests.unit.imported import errors, file_rows, good, read


def test_no_name_means_two_fields() -> None:
    assert len(FIELDS) == sum(map(len, SYNONYMS.values()))
    assert all(unified(name) == name for name in FIELDS)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("标准问", "question"),
        ("相似问1", "similar"),
        ("相似问法_12", "similar"),
        ("Question 3", "question"),
        ("专家回答", "answer"),
        ("职称", "role"),
        ("复审日期", "review_by"),
        (" External-ID ", "id"),
        ("来源：", "source"),
        ("ＡＮＳＷＥＲ", "answer"),
    ],
)
def test_names_are_known_in_many_spellings(name: str, field: str) -> None:
    assert USUAL.field_of(name) == field


def test_owner_says_what_a_column_means() -> None:
    names = field_names({"Frage": "question", "antwort": "answer"})

    (only,) = good(read(csv_file.read, "frage,ANTWORT\nq,a\n", names))

    assert (only.wordings, only.text) == (("q",), "a")


def test_owner_may_leave_a_column_out_though_no_file_may_set_it() -> None:
    content = "question,answer,状态\nq,a,published\n"

    assert list(errors(read(csv_file.read, content))) == [2]
    assert good(read(csv_file.read, content, field_names({"状态": "ignore"})))


def test_column_that_a_table_has_not_is_told_with_those_it_has(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("问题,答案\nq,a\n", encoding="utf-8")

    with pytest.raises(UnreadableFileError, match=r"no column “frage”\. Its columns: 问题, 答案"):
        file_rows(path, {"Frage": "question"})


def test_unknown_field_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(FieldMapError, match=r"“Frage=frage” .* id, question, similar, answer"):
        knowledge_files(tmp_path, columns={"Frage": "frage"})


def test_map_is_written_as_pairs() -> None:
    assert field_map(["a=b=answer", " 问 = Question "]) == {"a=b": "answer", "问": "question"}
    with pytest.raises(FieldMapError):
        field_map(["question"])
