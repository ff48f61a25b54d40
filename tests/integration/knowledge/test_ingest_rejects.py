"""`manage.py ingest --skip-invalid`: what is left out goes into a file to correct."""

import io
import json
from pathlib import Path

import pytest

from knowledge.models import Answer
from tests.integration.ingesting import EATING, SLEEP, command, said, written

pytestmark = pytest.mark.django_db
BAD = {"id": "bad", "question": "q", "answer": ""}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command runs."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    return written(tmp_path / "clinic.jsonl", [SLEEP, BAD, EATING])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_rejected_rows_are_ingested_after_they_were_corrected(clinic: Path, folder: Path) -> None:
    report, code = command(clinic, "--skip-invalid")
    rejects = folder / report["rejects"]["clinic"]
    rejects.write_text(rejects.read_text().replace('"answer": ""', '"answer": "a"'))
    rejects.write_text(json.dumps(json.loads(rejects.read_text()) | {"answer": "a"}))

    corrected, done = command(rejects, "--source", "clinic")

    assert (code, report["created"], report["invalid"]) == (1, 2, 1)
    assert (done, corrected["created"], corrected["ignored_fields"]) == (0, 1, [])
    assert Answer.objects.get(external_id="bad").source == "clinic"


def test_people_are_told_where_rejected_rows_are(clinic: Path) -> None:
    output = said(clinic, "--skip-invalid")

    assert "The rejected rows of “clinic” are in clinic.rejects.jsonl." in output
    assert "--source 'clinic'" in output


def test_rejects_of_an_earlier_run_are_never_overwritten(clinic: Path, folder: Path) -> None:
    for _ in range(2):
        command(clinic, "--skip-invalid")

    command(folder / "clinic.rejects.jsonl", "--source", "clinic", "--skip-invalid")

    expected = [f"clinic.rejects{number}.jsonl" for number in ("", 2, 3)]
    assert names(folder) == expected


def test_every_source_has_rejects_of_its_own(clinic: Path, folder: Path) -> None:
    school = written(clinic.with_name("school.jsonl"), [BAD])

    report, _ = command(clinic, school, "--skip-invalid")

    assert report["rejects"].keys() == {"clinic", "school"}


def test_t46_name_of_a_source_is_no_path(clinic: Path, folder: Path) -> None:
    command(clinic, "--skip-invalid", "--source", "../../etc/passwd\n")

    assert names(folder) == ["etc_passwd.rejects.jsonl"]


def test_file_that_somebody_names_holds_the_rejects_of_the_last_run(
    clinic: Path, folder: Path
) -> None:
    rejects = folder / "mine.jsonl"
    command(clinic, "--skip-invalid", "--rejects", rejects)
    first = rejects.read_text()

    command(written(clinic, [SLEEP]), "--skip-invalid", "--rejects", rejects)

    assert json.loads(first)["id"] == "bad"
    assert rejects.read_text() == ""


@pytest.mark.parametrize("arguments", [["--dry-run", "--skip-invalid"], []])
def test_run_that_stores_nothing_writes_no_rejects(
    clinic: Path, folder: Path, arguments: list[str]
) -> None:
    command(clinic, *arguments)

    assert names(folder) == []


def test_rejects_need_a_run_that_skips(clinic: Path, folder: Path) -> None:
    assert "--skip-invalid" in said(clinic, "--rejects", folder / "mine.jsonl")
    assert names(folder) == []


def test_file_that_is_read_is_never_written(clinic: Path) -> None:
    before = clinic.read_bytes()

    _, code = command(clinic, "--skip-invalid", "--rejects", clinic)

    assert (code, clinic.read_bytes()) == (2, before)


def test_rejects_that_cannot_be_written_keep_everything_out(clinic: Path, folder: Path) -> None:
    _, code = command(clinic, "--skip-invalid", "--rejects", folder / "missing" / "mine.jsonl")

    assert code == 2
    assert not Answer.objects.exists()


# --- Columns, and questions at the terminal


def test_columns_are_mapped_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "clinic.csv"
    path.write_text("Frage,Antwort\nq,a\n", encoding="utf-8")

    report, code = command(path, "--map", "Frage=question", "--map", "Antwort=answer")

    assert (code, report["created"]) == (0, 1)
    assert command(path, "--map", "Frage=nonsense")[1] == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("reply", "left"), [("y\n", 1), ("\n", 3), ("", 3)])
def test_somebody_at_the_terminal_is_asked_before_most_answers_are_archived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: str, left: int
) -> None:
    rows = [{"id": key, "answer": "a"} for key in "abc"]
    path = written(tmp_path / "clinic.jsonl", rows)
    command(path)
    monkeypatch.setattr("sys.stdin", Terminal(reply))

    command(written(path, rows[:1]), "--prune")

    assert Answer.objects.exclude(status="archived").count() == left
