"""What readers make of JSON Lines, CSV and text, and of their flaws."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.importers import csv_file, jsonl, text
from knowledge.importers.base import UnreadableFileError
from knowledge.importers.lines import LINE_CHARACTERS
from tests.unit.imported import CHINESE, errors, good, read


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


@pytest.mark.parametrize(
    "element",
    [
        '{"answer" "x"}',
        '{"answer": ["x",]}',
        '{"answer": "a \\" quote, } and ]", }',
        "nonsense",
        "[" * 3000 + "]" * 3000,
    ],
)
def test_element_that_is_no_json_hides_no_other(element: str) -> None:
    found = read(jsonl.read, f'[{{"answer": "a"}},\n{element},\n{{"answer": "b"}}]')

    assert [row.text for row in good(found)] == ["a", "b"]
    assert list(errors(found)) == [2]


@pytest.mark.parametrize("end", ["]x", "", "] []", ",]"])
def test_array_that_does_not_end_well_is_an_error(end: str) -> None:
    found = read(jsonl.read, '[{"answer": "a"}' + end)

    assert [row.text for row in good(found)] == ["a"]
    assert len(errors(found)) == 1


def test_array_may_be_longer_than_what_is_held_of_it() -> None:
    answers = [f"{number} {'x' * 40_000}" for number in range(120)]
    content = json.dumps([{"answer": answer} for answer in answers], indent=1)
    content = content.replace("119 x", '119" x')

    found = read(jsonl.read, content)

    assert [row.text for row in good(found)] == answers[:-1]
    assert list(errors(found)) == [2 + 3 * 119 + 1]


@pytest.mark.parametrize(
    "element", ['{"answer": "' + "x" * 4_000_000 + '"}', '"' + "x" * 4_000_000]
)
def test_element_without_an_end_ends_the_reading(element: str) -> None:
    found = read(jsonl.read, f'[{{"answer": "a"}},\n{element}, {{"answer": "b"}}]')

    assert [row.text for row in good(found)] == ["a"]
    assert "nothing after its beginning was read" in errors(found)[2]


@pytest.mark.parametrize("start", ["{\n", '{"faqs": [\n', '\n{"id": 1,\n', '{"answer":\n'])
def test_object_that_goes_over_several_lines_is_refused_with_what_to_do(start: str) -> None:
    with pytest.raises(UnreadableFileError, match="with an object on every line"):
        read(jsonl.read, start + '"answer": "a"}')


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
        (" \n\n", "The file is empty"),
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
