"""Ids come once in all files of a source."""

from pathlib import Path

from knowledge.importers.base import RowError
from knowledge.importers.files import KnowledgeFile, Text, opened
from knowledge.importers.identities import Identities
from tests.unit.imported import errors, good


def file(path: Path, content: str, source: str = "clinic") -> Text:
    path.write_text(content, encoding="utf-8")
    return opened(KnowledgeFile(path=path, name=path.name, source=source))


def test_id_comes_once_in_all_files_of_a_source(tmp_path: Path) -> None:
    identities = Identities()
    one = file(tmp_path / "one.csv", "id,answer\n1,a\n1,b\n")
    two = file(tmp_path / "two.csv", "id,answer\n1,c\n2,d\n")

    found = [*identities.distinct(one), *identities.distinct(two)]

    assert [row.text for row in good(found)] == ["a", "d"]
    assert errors(found) == {
        3: "The id “1” is already at one.csv:2.",
        2: "The id “1” is already at one.csv:2.",
    }


def test_sources_may_have_the_same_ids(tmp_path: Path) -> None:
    identities = Identities()
    one = file(tmp_path / "one.csv", "id,answer\n1,a\n", source="clinic")
    two = file(tmp_path / "two.csv", "id,answer\n1,b\n", source="school")

    found = [*identities.distinct(one), *identities.distinct(two)]

    assert len(good(found)) == 2


def test_rows_of_one_line_are_told_apart(tmp_path: Path) -> None:
    array = '[{"id": 1, "answer": "a"}, {"id": 1, "answer": "b"}]'

    found = list(Identities().distinct(file(tmp_path / "one.json", array)))

    assert errors(found) == {1: "The id “1” is already at one.json:1."}


def test_row_whose_id_was_seen_keeps_its_fields(tmp_path: Path) -> None:
    text = file(tmp_path / "one.csv", "id,question,answer,topic\n1,q,a,\n1,p|q,b,sleep\n")

    (twice,) = [row for row in Identities().distinct(text) if isinstance(row, RowError)]

    assert dict(twice.fields) == {
        "id": "1",
        "questions": ["p", "q"],
        "answer": "b",
        "locale": "en",
        "topic": "sleep",
    }


def test_question_that_comes_twice_without_an_id_gets_none_from_us(tmp_path: Path) -> None:
    text = file(tmp_path / "one.csv", "question,answer\nq?,a\nq?,b\n,c\n,c\n")

    found = list(Identities().distinct(text))

    assert errors(found) == {
        3: "The question “q?” is already at one.csv:2; an id would tell them apart.",
        5: "The same answer is already at one.csv:4; an id would tell them apart.",
    }
    assert [name for row in found if isinstance(row, RowError) for name, _ in row.fields] == [
        *("questions", "answer", "locale"),
        *("answer", "locale"),
    ]


def test_ids_that_were_seen_are_known(tmp_path: Path) -> None:
    identities = Identities()
    list(identities.distinct(file(tmp_path / "one.csv", "id,answer\n1,a\n")))

    assert identities.has("clinic", "1")
    assert not identities.has("clinic", "2")
    assert not identities.has("school", "1")
