"""What an evaluation set may hold, and what is said of one that cannot be used."""

import json
from pathlib import Path

import pytest

from knowledge.evaluation.sets import (
    EvaluationSetError,
    ingestible,
    knowledge_beside,
    negatives_in,
    queries_in,
)
from tests.evaluation_sets import SLEEP, evaluation_set, write

SAMPLE = Path(__file__).resolve().parents[2] / "sample"


def test_only_what_the_visitor_said_is_earlier(tmp_path: Path) -> None:
    history = ["first", "a reply", "second", "another reply"]
    query = {"query": "and then?", "relevant": ["sleep"], "history": history}

    (found,) = queries_in(evaluation_set(tmp_path, queries=[query]))

    assert found.earlier == ("first", "second")


def test_query_without_a_kind_is_of_its_type(tmp_path: Path) -> None:
    queries = [{"query": "?", "relevant": []}, {"query": "!", "relevant": [], "type": "chitchat"}]

    found = queries_in(evaluation_set(tmp_path, queries=queries))

    assert [query.kind for query in found] == ["unanswerable", "chitchat"]


def test_queries_of_another_set_are_answered_by_nothing_here(tmp_path: Path) -> None:
    found = negatives_in(evaluation_set(tmp_path))

    assert not any(query.answerable for query in found)


def test_entry_without_an_answer_is_its_question(tmp_path: Path) -> None:
    entries = [{"id": "1", "question": "Why?", "answer": "", "focus": "x", "licence": "CC0"}, SLEEP]
    folder = evaluation_set(tmp_path / "set", knowledge=entries)

    copy = ingestible(folder, tmp_path / "copy.jsonl")

    first, second = map(json.loads, copy.read_text(encoding="utf-8").splitlines())
    assert first == {"id": "1", "question": "Why?", "answer": "Why?", "topic": ""}
    assert second["answer"] == SLEEP["answer"]


def test_entry_without_a_question_keeps_its_answer(tmp_path: Path) -> None:
    entry = {"id": "1", "question": "", "answer": "Because.", "category": "reasons"}
    folder = evaluation_set(tmp_path / "set", knowledge=[entry])

    copy = ingestible(folder, tmp_path / "copy.jsonl")

    assert json.loads(copy.read_text(encoding="utf-8")) == {
        "id": "1",
        "answer": "Because.",
        "topic": "reasons",
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", ":2: This is not JSON."),
        ("[1]", ":2: A line must be a JSON object."),
        ('{"relevant": []}', ":2: The field query must be text."),
        ('{"query": " ", "relevant": []}', ":2: The query is empty."),
        ('{"query": "x"}', ":2: The field relevant must be a list."),
        ('{"query": "x", "relevant": [null]}', ":2: The field relevant must be text."),
        (r'{"query": "\ud800", "relevant": []}', ":2: The field query has a character that"),
    ],
)
def test_bad_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "queries.jsonl"
    file.write_text(f'{{"query": "x", "relevant": []}}\n{line}\n', encoding="utf-8")

    with pytest.raises(EvaluationSetError) as error:
        queries_in(tmp_path)

    assert said in str(error.value)


def test_folder_without_queries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationSetError, match="There is no file"):
        queries_in(tmp_path)


def test_file_without_a_query_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationSetError, match="has no queries"):
        queries_in(write(tmp_path / "queries.jsonl", []))


def test_knowledge_beside_a_folder_of_queries_is_taken(tmp_path: Path) -> None:
    file = write(tmp_path / "answers.jsonl", [SLEEP])
    folder = evaluation_set(tmp_path / "evaluation", knowledge=None)

    assert [path.name for path in knowledge_beside(folder)] == [file.name]


def test_folder_without_any_knowledge_is_refused(tmp_path: Path) -> None:
    folder = evaluation_set(tmp_path / "alone" / "evaluation", knowledge=None)

    with pytest.raises(EvaluationSetError, match=r"has no knowledge\.jsonl"):
        knowledge_beside(folder)


def test_sample_set_asks_for_answers_of_the_sample() -> None:
    known = {
        json.loads(line)["id"]
        for file in SAMPLE.glob("*.jsonl")
        for line in file.read_text(encoding="utf-8").splitlines()
    }

    queries = queries_in(SAMPLE / "evaluation")

    assert {name for query in queries for name in query.relevant} <= known
    assert {query.answerable for query in queries} == {True, False}
