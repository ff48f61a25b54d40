"""Rows of a LangChain or Supabase table: content and metadata become questions and answers."""

import json

import pytest

from knowledge.importers import documents
from tests.unit.imported import errors, good, read


def row(content: str | None, **metadata: object) -> str:
    return json.dumps(["7", content, json.dumps(metadata)])


def test_content_is_read_as_a_document_of_a_text_file() -> None:
    found = read(documents.read, row("question: 孩子不说话怎么办？\nanswer: 先做听力检查。"))

    (answer,) = good(found)
    assert (answer.external_id, answer.wordings) == ("7", ("孩子不说话怎么办？",))
    assert answer.text == "先做听力检查。"


def test_metadata_is_known_by_the_names_that_columns_have() -> None:
    found = read(documents.read, row("question: q answer: a", 分类="睡眠", source="manual"))

    (answer,) = good(found)
    assert (answer.topic, answer.basis) == ("睡眠", "manual")


def test_metadata_that_means_nothing_or_is_not_for_files_is_left_out() -> None:
    content = row("question: q answer: a", loc={"from": 1}, status="published", id="x", page=3)

    (answer,) = good(read(documents.read, content))

    assert answer.external_id == "7"
    names = ("metadata.loc", "metadata.status", "metadata.id", "metadata.page")
    assert answer.ignored == names


def test_content_is_the_answer_where_metadata_has_the_question() -> None:
    (answer,) = good(read(documents.read, row("先做听力检查。", title="孩子不说话怎么办？")))

    assert (answer.wordings, answer.text) == (("孩子不说话怎么办？",), "先做听力检查。")


def test_content_is_the_question_where_metadata_has_the_answer() -> None:
    (answer,) = good(read(documents.read, row("What now?", answer="A hearing test.")))

    assert (answer.wordings, answer.text) == (("What now?",), "A hearing test.")


def test_metadata_with_both_leaves_the_content_out() -> None:
    (answer,) = good(read(documents.read, row("q a", question="q", answer="a")))

    assert (answer.wordings, answer.text) == (("q",), "a")


def test_documents_of_one_content_have_ids_of_their_own() -> None:
    content = row("question: p\nanswer: a\n\nquestion: q\nanswer: b\n", topic="sleep")

    found = good(read(documents.read, content))

    assert [(each.external_id, each.text, each.topic) for each in found] == [
        ("7", "a", "sleep"),
        ("7#2", "b", "sleep"),
    ]


def test_content_that_belongs_to_no_question_is_an_error_of_its_row() -> None:
    lines = "\n".join([row("question: q answer: a"), row("Lost words."), row(None)])

    found = errors(read(documents.read, lines))

    assert found.keys() == {2, 3}
    assert "belongs to no question" in found[2]


def test_numbers_of_metadata_are_texts_here() -> None:
    (answer,) = good(read(documents.read, row("question: q answer: a", category=3)))

    assert answer.topic == "3"


def test_metadata_need_not_be_an_object() -> None:
    lines = "\n".join(
        json.dumps([str(key), "question: q answer: a", metadata])
        for key, metadata in enumerate([None, "[1]", '"text"'])
    )

    assert len(good(read(documents.read, lines))) == 3


@pytest.mark.parametrize("value", ["9" * 101, "[" * 5_000 + "]" * 5_000], ids=["number", "depth"])
def test_metadata_that_cannot_be_kept_costs_one_row(value: str) -> None:
    bad = json.dumps(["8", "question: q answer: a", f'{{"page": {value}}}'])

    found = read(documents.read, f"{bad}\n{row('question: q answer: a')}")

    assert "In the metadata" in errors(found)[1]
    assert [each.line for each in good(found)] == [2]
