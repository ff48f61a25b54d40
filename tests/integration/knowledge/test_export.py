"""`manage.py export`: what ingest reads back unchanged."""

import io
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from knowledge.exporting import WRITERS, Format, UnexportableError, export
from knowledge.importers.rows import ANSWER_CHARACTERS
from knowledge.models import Answer
from tests.integration.curating import stored
from tests.integration.ingesting import EATING, SLEEP, counts, loaded, written

pytestmark = pytest.mark.django_db
FORMATS: Sequence[Format] = ("csv", "jsonl", "xlsx")
FULL = SLEEP | {
    "verbatim": True,
    "expert": "李医生",
    "role": "儿科医生",
    "basis": '=SUM(1) 指南, "第2版"\n\'引用',
    "basis_url": "https://example.org/a?b=1&c=2",
    "reviewed_at": "2026-01-31",
    "review_by": "2027-01-31",
}
NASTY = st.text(alphabet="'=+-@＝\"[]{}|\\ ;\t\n,a中😀é<&>_x") | st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])
)


def exported(file_format: Format, *, source: str = "") -> bytes:
    file = io.BytesIO()
    export(file, file_format, source=source)
    return file.getvalue()


def moved(folder: Path, file_format: Format) -> bytes:
    """What an export gives after the base was emptied and its own export ingested."""
    path = folder / f"clinic.{file_format}"
    path.write_bytes(exported(file_format))
    Answer.objects.all().delete()
    report = loaded(path)
    assert (report.errors, report.updated, report.ignored_fields) == ((), 0, ())
    return exported(file_format)


@pytest.mark.parametrize("file_format", FORMATS)
def test_export_ingested_into_an_empty_base_exports_the_same_bytes(
    tmp_path: Path, file_format: Format
) -> None:
    loaded(written(tmp_path / "clinic.jsonl", [FULL, EATING, {"id": "bare", "answer": "a"}]))
    before = exported(file_format)

    assert moved(tmp_path, file_format) == before


@pytest.mark.parametrize("file_format", FORMATS)
def test_export_ingested_into_its_own_base_changes_nothing(
    tmp_path: Path, file_format: Format
) -> None:
    loaded(written(tmp_path / "clinic.jsonl", [FULL, EATING]))
    path = tmp_path / f"export.{file_format}"
    path.write_bytes(exported(file_format))

    assert counts(loaded(path, source="clinic")) == (0, 0, 2, 0)


@given(wordings=st.lists(NASTY, max_size=4), answer=NASTY, topic=NASTY.map(lambda t: t[:120]))
@example(wordings=["a|b", '["c"]', "'=d"], answer="=HYPERLINK(1)", topic="'-x")
@example(wordings=["x" * 2_000] * 3, answer="'" + "长" * 30_000, topic="@")
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.parametrize("file_format", FORMATS)
def test_nasty_texts_come_back_as_they_were(
    tmp_path: Path, file_format: Format, wordings: list[str], answer: str, topic: str
) -> None:
    Answer.objects.all().delete()
    row = {"id": "1", "questions": wordings, "answer": f"{answer}.", "topic": topic}
    loaded(written(tmp_path / "clinic.jsonl", [row]))
    before = exported(file_format)

    assert moved(tmp_path, file_format) == before


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_longest_answer_comes_back(tmp_path: Path, file_format: Format) -> None:
    row = {"id": "1", "question": "q", "answer": '"' * ANSWER_CHARACTERS}
    loaded(written(tmp_path / "clinic.jsonl", [row]))
    before = exported(file_format)

    assert moved(tmp_path, file_format) == before


def test_text_too_long_for_a_cell_of_a_workbook_is_refused(tmp_path: Path) -> None:
    row = {"id": "long", "answer": "x" * ANSWER_CHARACTERS}
    loaded(written(tmp_path / "clinic.jsonl", [row]))

    with pytest.raises(UnexportableError, match=r"“long”.*32,767.*--format jsonl"):
        exported("xlsx")


def test_t47_formulas_of_others_are_texts_in_an_export(tmp_path: Path) -> None:
    row = {"id": "1", "question": "=1+1", "answer": '=HYPERLINK("https://evil")', "topic": "@SUM"}
    loaded(written(tmp_path / "clinic.jsonl", [row]))

    table = exported("csv").decode("utf-8-sig").splitlines()[1].split(",")
    sheet = openpyxl.load_workbook(io.BytesIO(exported("xlsx"))).worksheets[0]

    assert (table[1], table[4]) == ('"\'=1+1"', '"\'@SUM"')
    cells = [cell for cell in list(sheet.rows)[1] if cell.value]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
    assert cells[1].value == "'=1+1"


def test_answers_are_written_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    loaded(written(tmp_path / "clinic.jsonl", [{"id": key, "answer": "a"} for key in "cab"]))

    assert [line[8] for line in exported("jsonl").decode().splitlines()] == ["c", "a", "b"]


def test_archived_answers_are_left_out(tmp_path: Path) -> None:
    loaded(written(tmp_path / "clinic.jsonl", [SLEEP, EATING]))
    Answer.objects.filter(external_id="sleep").update(status="archived")

    assert exported("jsonl").count(b"\n") == 1


def test_answer_that_was_written_here_is_exported_under_its_own_id(tmp_path: Path) -> None:
    answer = stored("q", text="a")
    before = exported("jsonl")

    assert f'"id": "{answer.uid}"' in before.decode()
    assert moved(tmp_path, "jsonl") == before


def test_one_source_can_be_chosen(tmp_path: Path) -> None:
    loaded(written(tmp_path / "clinic.jsonl", [SLEEP]))
    loaded(written(tmp_path / "school.jsonl", [EATING]))

    assert b"eating" not in exported("jsonl", source="clinic")
    with pytest.raises(UnexportableError, match="“hospital”"):
        exported("jsonl", source="hospital")


def test_sources_with_the_same_id_are_exported_one_by_one(tmp_path: Path) -> None:
    for name in ("clinic", "school"):
        loaded(written(tmp_path / f"{name}.jsonl", [SLEEP]))

    with pytest.raises(UnexportableError, match=r"“sleep”.*--source"):
        exported("csv")
    assert exported("csv", source="school")


def test_empty_base_gives_the_names_of_the_columns_alone() -> None:
    assert exported("csv").decode("utf-8-sig").count("\r\n") == 1
    assert exported("jsonl") == b""


# --- The command


def test_command_writes_a_file_in_the_format_of_its_name(tmp_path: Path) -> None:
    loaded(written(tmp_path / "clinic.jsonl", [SLEEP]))
    output = tmp_path / "out.xlsx"

    call_command("export", "--output", str(output), stdout=io.StringIO())

    assert output.read_bytes() == exported("xlsx")
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.django_db(transaction=True)
def test_command_writes_csv_to_standard_output(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    loaded(written(tmp_path / "clinic.jsonl", [SLEEP]))

    call_command("export")

    assert capfdbinary.readouterr().out == exported("csv")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--format", "xlsx"], 2), (["--source", "none"], 1), (["--output", "/missing/a.csv"], 2)],
)
def test_command_says_why_it_cannot_export(arguments: list[str], code: int) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("export", *arguments)

    assert caught.value.returncode == code


def test_failed_export_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    loaded(written(tmp_path / "clinic.jsonl", [{"id": "1", "answer": "x" * 40_000}]))
    output = tmp_path / "out.xlsx"
    output.write_bytes(b"before")

    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export", "--output", str(output))

    assert output.read_bytes() == b"before"
    assert set(WRITERS) == set(FORMATS)
