"""The fields of a row: their names, limits and defaults, and which are refused."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.importers.base import Record, Row, RowError
from knowledge.importers.field_names import FIELDS
from knowledge.importers.rows import row_of
from knowledge.plain_text import storable


def row(**fields: object) -> Row:
    result = row_of(Record(line=1, fields=tuple(fields.items())))
    assert isinstance(result, Row), result
    return result


def refusal(**fields: object) -> str:
    result = row_of(Record(line=1, fields=tuple(fields.items())))
    assert isinstance(result, RowError), result
    return result.message


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
        ({"answer": "a", "topic": "x", "category": "y"}, "values: “topic” and “category”."),
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
    assert hidden.suspicious == "invisible"
    assert not row(question="q", answer="a\r\nb").suspicious


def test_same_wording_twice_is_one_wording() -> None:
    assert row(questions=["q", " q", "r", ""], answer="a").wordings == ("q", "r")


def test_origin_stands_in_for_a_missing_basis() -> None:
    told = row(answer="a", source="NIH", licence="CC0", focus="sleep")
    ignored = row(answer="a", source="NIH", basis="guideline")

    assert (told.basis, told.ignored) == ("NIH; CC0", ("focus",))
    assert (ignored.basis, ignored.ignored) == ("guideline", ("source",))


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2026-1-31", date(2026, 1, 31)),
        ("2026/1/31", date(2026, 1, 31)),
        ("2026.01.31", date(2026, 1, 31)),
        ("2026年1月31日", date(2026, 1, 31)),
        ("2026-01-31 00:00:00", date(2026, 1, 31)),
    ],
)
def test_day_is_read_as_spreadsheets_write_it(said: str, day: date) -> None:
    assert row(answer="a", reviewed_at=said).reviewed_at == day


def test_similar_questions_follow_the_first_and_share_a_field() -> None:
    several = row(相似问="b；c|d\ne;f", question="a；a", answer="x")

    assert several.wordings == ("a；a", "b", "c", "d", "e", "f")
