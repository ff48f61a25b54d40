"""Rejected rows, in a file to correct and ingest again."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.importers.base import Row
from knowledge.importers.files import SUFFIXES, KnowledgeFile, opened
from knowledge.importers.identities import Identities
from knowledge.importers.rejects import Rejects, RejectsError
from tests.unit.imported import errors, good


def rejected(path: Path, content: str) -> list[dict[str, object]]:
    """What is written down of a file's rows."""
    path.write_text(content, encoding="utf-8")
    target = path.with_name("rejects.jsonl")
    with Rejects(lambda _: target) as rejects:
        list(passed(path, rejects))
    lines = target.read_text(encoding="utf-8").splitlines() if target.exists() else []
    return [json.loads(line) for line in lines]


def passed(path: Path, rejects: Rejects) -> Iterator[object]:
    text = opened(file_of(path))
    return rejects.passing(text, Identities().distinct(text))


def test_rejected_row_has_its_fields_the_reason_and_its_place(tmp_path: Path) -> None:
    content = 'id,问题,答案,分类\n1,q,a,\n2,"p\nq",,睡眠\n'

    assert rejected(tmp_path / "a.csv", content) == [
        {
            "rejected_because": "The row has no answer.",
            "rejected_from": "a.csv:3",
            "id": "2",
            "问题": ["p", "q"],
            "分类": "睡眠",
        }
    ]


def test_file_without_rejected_rows_makes_no_file(tmp_path: Path) -> None:
    assert rejected(tmp_path / "a.csv", "id,answer\n1,a\n") == []
    assert not (tmp_path / "rejects.jsonl").exists()


def test_row_that_is_not_json_is_kept_as_it_stands(tmp_path: Path) -> None:
    content = '{"answer": "a"}\n\n  {"answer": \n{"answer": "b"}\n{"answer": NaN}'

    texts = [row["rejected_text"] for row in rejected(tmp_path / "a.jsonl", content)]

    assert texts == ['{"answer":', '{"answer": NaN}']


def test_element_that_is_not_json_is_kept_without_its_neighbours(tmp_path: Path) -> None:
    content = '[{"answer": "a"}, {"answer" "b"}, {"answer":\n ["c",]}, {"answer": "d"}]'

    texts = [row["rejected_text"] for row in rejected(tmp_path / "a.json", content)]

    assert texts == ['{"answer" "b"}', '{"answer":\n ["c",]}']


def test_row_whose_quotation_mark_is_not_closed_is_kept_with_all_its_lines(tmp_path: Path) -> None:
    (row,) = rejected(tmp_path / "a.csv", 'id,answer\n1,a\n2,"a\nb\n3,c\n')

    assert row["rejected_text"] == '2,"a\nb\n3,c'


def test_text_without_a_question_is_kept_to_the_next_document(tmp_path: Path) -> None:
    content = "Lost words.\nMore of them.\nquestion: q\nanswer: a\n"

    (row,) = rejected(tmp_path / "a.txt", content)

    assert row["rejected_text"] == "Lost words.\nMore of them."


def test_name_that_comes_twice_is_kept_twice(tmp_path: Path) -> None:
    content = "question,question,answer,answer\np,q,a,b\n"

    (row,) = rejected(tmp_path / "a.csv", content)

    assert (row["question"], row["answer"], row["answer (2)"]) == (["p", "q"], "a", "b")


def test_mapped_column_that_comes_twice_is_kept_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Frage,Frage,answer\np,q,\n", encoding="utf-8")
    target = tmp_path / "rejects.jsonl"

    with Rejects(lambda _: target) as rejects:
        text = opened(replace(file_of(path), columns={"Frage": "question"}))
        list(rejects.passing(text, Identities().distinct(text)))

    assert json.loads(target.read_text(encoding="utf-8"))["Frage"] == ["p", "q"]


def test_rest_of_a_long_file_is_kept_in_little_time(tmp_path: Path) -> None:
    started_at = time.process_time()

    (row,) = rejected(tmp_path / "a.csv", 'id,answer\n1,"' + "\n" * 400_000)

    assert row["rejected_text"] == '1,"'
    assert time.process_time() - started_at < 5


def test_half_a_character_is_written_as_json_can(tmp_path: Path) -> None:
    (row,) = rejected(tmp_path / "a.jsonl", '{"answer": "\\ud800"}')

    assert row["answer"] == "\ud800"


def test_rejected_rows_are_good_once_they_are_corrected(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    (row,) = rejected(path, "id,question,answer,status\n1,q,a,published\n")
    corrected = tmp_path / "corrected.jsonl"
    del row["status"]
    corrected.write_text(json.dumps(row), encoding="utf-8")

    found = list(Identities().distinct(opened(file_of(corrected))))

    assert errors(found) == {}
    assert [(each.external_id, each.wordings, each.text) for each in good(found)] == [
        ("1", ("q",), "a")
    ]


def test_rejected_rows_that_are_still_wrong_are_rejected_with_the_new_reason(
    tmp_path: Path,
) -> None:
    (first,) = rejected(tmp_path / "a.csv", "id,answer,status\n1,,published\n")
    del first["status"]

    (second,) = rejected(tmp_path / "b.jsonl", json.dumps(first))

    assert second["rejected_because"] == "The row has no answer."
    assert second["rejected_from"] == "b.jsonl:1"
    assert second["id"] == "1"


def test_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,answer\n1,\n", encoding="utf-8")

    with (
        pytest.raises(RejectsError, match="No such file or directory"),
        Rejects(lambda _: tmp_path / "missing" / "rejects.jsonl") as rejects,
    ):
        list(passed(path, rejects))


def file_of(path: Path) -> KnowledgeFile:
    suffix = SUFFIXES[path.suffix]
    return KnowledgeFile(path=path, name=path.name, source="clinic", format=suffix)


def test_good_rows_pass_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,answer\n1,a\n2,\n3,c\n", encoding="utf-8")

    with Rejects(lambda _: tmp_path / "rejects.jsonl") as rejects:
        found = list(passed(path, rejects))

    assert [row.external_id for row in found if isinstance(row, Row)] == ["1", "3"]
