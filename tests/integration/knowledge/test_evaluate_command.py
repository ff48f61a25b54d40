"""`manage.py evaluate` and `manage.py calibrate` as an operator calls them."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from knowledge import publishing
from knowledge.management.commands import calibrate, evaluate
from knowledge.models import Answer
from tests.evaluation_sets import WordEmbedder, evaluation_set

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_embedder(monkeypatch: pytest.MonkeyPatch) -> WordEmbedder:
    """The local one would take a minute for the off-topic examples of each calibration."""
    embedder = WordEmbedder()
    for command in (calibrate, evaluate):
        monkeypatch.setattr(command, "embedder", lambda: embedder)
    return embedder


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    return evaluation_set(tmp_path / "clinic")


def test_one_object_is_printed_for_machines(
    clinic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("evaluate", str(clinic), "--json")

    assert json.loads(capsys.readouterr().out)["hit@1"] == 1.0


def test_report_is_written_beside_the_table(
    clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.html"

    call_command("evaluate", str(clinic), "--report", str(file))

    assert "hit@1" in capsys.readouterr().out
    assert "<h1>Evaluation of clinic</h1>" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("missing", ["folder", "knowledge", "queries", "negatives", "report"])
def test_what_is_missing_is_an_error_of_usage(clinic: Path, missing: str) -> None:
    nowhere = str(clinic / "nowhere" / "report.html")
    arguments = {
        "folder": [nowhere],
        "negatives": [str(clinic), "--negatives", nowhere],
        "report": [str(clinic), "--report", nowhere],
    }.get(missing, [str(clinic)])
    if missing in {"knowledge", "queries"}:
        (clinic / f"{missing}.jsonl").unlink()

    with pytest.raises(CommandError) as error:
        call_command("evaluate", *arguments)

    assert error.value.returncode == 2


def test_entry_that_cannot_be_ingested_is_an_error_of_usage(tmp_path: Path) -> None:
    folder = evaluation_set(tmp_path, knowledge=[{"id": "1", "answer": "a"}] * 2)

    with pytest.raises(CommandError, match=r"knowledge\.jsonl:2") as error:
        call_command("evaluate", str(folder))

    assert error.value.returncode == 2


def test_embedder_that_fails_leaves_nothing_measured(
    clinic: Path, quick_embedder: WordEmbedder
) -> None:
    quick_embedder.fail()

    with pytest.raises(CommandError, match=r"Nothing was measured\. The embedder") as error:
        call_command("evaluate", str(clinic))

    assert error.value.returncode == 1


def test_bars_are_shown_with_what_they_rest_on(
    quick_embedder: WordEmbedder, capsys: pytest.CaptureFixture[str]
) -> None:
    published(quick_embedder)

    call_command("calibrate")

    shown = capsys.readouterr().out
    assert "Learnt for tests/words/64 with 1 published answers." in shown
    assert "en: bar 0." in shown
    assert "off-topic questions; 1 questions have an answer here" in shown
    assert "→" in shown


def test_nothing_published_is_nothing_to_learn_from() -> None:
    with pytest.raises(CommandError, match="No answer is published"):
        call_command("calibrate")


def published(embedder: WordEmbedder) -> None:
    answer = Answer.objects.create(locale="en", text="Keep a firm routine.")
    publishing.reword(answer, ["My son will not sleep.", "No sleep at all, what now?"])
    publishing.store_edit(answer, embedder, Answer.Status.PUBLISHED)
