"""`manage.py ingest` on a real Postgres with the real local embedder."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from knowledge.advisory_locks import INGEST_LOCK
from knowledge.embedders.base import EmbedderError, Vectors
from knowledge.embedders.local import LocalEmbedder
from knowledge.importers.files import knowledge_files
from knowledge.ingestion import Nobody, ingest
from knowledge.models import Answer, AnswerVector, LexicalEntry
from knowledge.spaces import space_of
from knowledge.storing import BATCH, SAMPLE_SOURCE
from knowledge.wiring import embedder
from tests.integration.ingesting import (
    EATING,
    SLEEP,
    command,
    counts,
    loaded,
    many,
    titles,
    written,
)

pytestmark = pytest.mark.django_db

Status = Answer.Status


class BrokenEmbedder:
    """Fails after it was asked a number of times."""

    fingerprint = LocalEmbedder().fingerprint
    dimensions = LocalEmbedder().dimensions

    def __init__(self, *, works: int) -> None:
        self._works = works

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self._works -= 1
        if self._works < 0:
            raise EmbedderError("The embedder is down.")
        return embedder().embed_passages(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return embedder().embed_queries(texts)


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    return written(tmp_path / "clinic.jsonl", [SLEEP, EATING])


def calibrated(*, answers: int) -> None:
    """Calibrating takes the embedder many seconds; here the bars are of no interest."""
    space = space_of(embedder())
    space.calibrated_at, space.calibrated_answers = timezone.now(), answers
    space.save()


# --- What is stored


def test_new_answers_are_drafts_that_nobody_finds(clinic: Path) -> None:
    report = loaded(clinic)

    answer = Answer.objects.get(source="clinic", external_id="sleep")
    assert counts(report) == (2, 0, 0, 0)
    assert (answer.text, answer.topic, answer.locale) == (SLEEP["answer"], "睡眠", "zh-hans")
    assert [question.text for question in answer.questions.all()] == SLEEP["questions"]
    assert answer.status == Status.DRAFT
    assert not AnswerVector.objects.exists()


def test_published_answers_are_found_at_once(clinic: Path) -> None:
    report = loaded(clinic, publish=True)

    assert report.published == 2
    assert titles("孩子睡不着")[0] == SLEEP["answer"]
    assert LexicalEntry.objects.count() == 2


def test_second_run_changes_nothing(clinic: Path) -> None:
    loaded(clinic)
    before = list(Answer.objects.order_by("pk").values())

    report = loaded(clinic)

    assert counts(report) == (0, 0, 2, 0)
    assert list(Answer.objects.order_by("pk").values()) == before


def test_second_run_can_publish_what_is_a_draft(clinic: Path) -> None:
    loaded(clinic)

    report = loaded(clinic, publish=True)

    assert (counts(report), report.published) == ((0, 0, 2, 0), 2)
    assert Answer.objects.filter(status=Status.PUBLISHED).count() == 2


def test_changed_answer_never_answers_in_its_old_words(clinic: Path) -> None:
    loaded(clinic, publish=True)
    written(
        clinic, [SLEEP | {"questions": ["如厕训练怎么做？"], "answer": "先固定如厕时间。"}, EATING]
    )

    report = loaded(clinic)

    answer = Answer.objects.get(external_id="sleep")
    assert counts(report) == (0, 1, 1, 0)
    assert (answer.version, answer.status) == (2, Status.PUBLISHED)
    assert titles("如厕训练")[0] == "先固定如厕时间。"
    assert AnswerVector.objects.get(answer=answer).content_hash == answer.content_hash
    assert not answer.postings.filter(term="睡觉").exists()


def test_changed_field_updates_an_answer_but_not_its_version(clinic: Path) -> None:
    loaded(clinic)
    written(clinic, [SLEEP | {"topic": "作息"}, EATING])

    report = loaded(clinic)

    answer = Answer.objects.get(external_id="sleep")
    assert counts(report) == (0, 1, 1, 0)
    assert (answer.topic, answer.version) == ("作息", 1)


def test_same_id_in_another_source_is_another_answer(clinic: Path) -> None:
    loaded(clinic)

    report = loaded(clinic, source="hospital")

    assert report.created == 2
    assert Answer.objects.filter(external_id="sleep").count() == 2


def test_archived_answer_stays_archived(clinic: Path) -> None:
    loaded(clinic)
    Answer.objects.filter(external_id="sleep").update(status=Status.ARCHIVED)

    report = loaded(clinic, publish=True)

    assert (report.archived_ids, report.published) == (("sleep",), 1)
    assert Answer.objects.get(external_id="sleep").status == Status.ARCHIVED


# --- What is not stored


def test_one_invalid_row_keeps_everything_out(clinic: Path) -> None:
    written(clinic, [SLEEP, {"id": "bad"}, EATING])

    report = loaded(clinic)

    assert report.refused
    assert (report.read, report.invalid) == (3, 1)
    assert [(error.line, error.message) for error in report.errors] == [
        (2, "The row has no answer.")
    ]
    assert not Answer.objects.exists()


def test_valid_rows_are_stored_if_invalid_ones_may_be_skipped(clinic: Path) -> None:
    written(clinic, [SLEEP, {"id": "bad"}, EATING])

    report = loaded(clinic, skip_invalid=True)

    assert counts(report) == (2, 0, 0, 1)
    assert Answer.objects.count() == 2


def test_unreadable_file_keeps_the_others_out(tmp_path: Path, clinic: Path) -> None:
    (tmp_path / "broken.csv").write_bytes(b"\x1f\x8b")

    report = loaded(tmp_path)

    assert (report.refused, report.read, len(report.errors)) == (True, 2, 1)
    assert not Answer.objects.exists()


def test_dry_run_counts_the_same_and_writes_nothing(clinic: Path) -> None:
    loaded(clinic)
    written(clinic, [SLEEP | {"answer": "新的答案。"}, EATING, {"id": "new", "answer": "a"}])
    before = list(Answer.objects.order_by("pk").values())

    dry = loaded(clinic, publish=True, dry_run=True)

    assert list(Answer.objects.order_by("pk").values()) == before
    real = loaded(clinic, publish=True)
    assert counts(dry) == counts(real) == (1, 1, 1, 0)
    assert dry.published == real.published == 3


# --- Runs that are disturbed


def test_run_that_was_killed_is_completed_by_the_next(tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    class Killer(Nobody):
        def progress(self, done: int, total: int | None) -> None:
            if total and done:
                raise KilledError

    path = many(tmp_path / "many.jsonl", BATCH + 1)
    with pytest.raises(KilledError):
        ingest(files=knowledge_files(path), embedder=embedder(), watcher=Killer())

    report = loaded(path)

    assert counts(report) == (1, 0, BATCH, 0)
    assert Answer.objects.count() == BATCH + 1


def test_failing_embedder_leaves_whole_batches_only(tmp_path: Path) -> None:
    path = many(tmp_path / "many.jsonl", BATCH + 1)

    report = loaded(path, publish=True, using=BrokenEmbedder(works=1))

    assert counts(report) == (BATCH, 0, 1, 0)
    assert [error.line for error in report.errors] == [BATCH + 1]
    assert "embedder is down" in report.errors[0].message
    assert Answer.objects.filter(status=Status.PUBLISHED).count() == BATCH
    assert AnswerVector.objects.count() == LexicalEntry.objects.count() == Answer.objects.count()


@pytest.mark.django_db(transaction=True)
def test_second_ingest_waits_for_the_first(clinic: Path) -> None:
    first = connection.copy()

    class Waiter(Nobody):
        waited = False

        def waiting(self) -> None:
            self.waited = True
            first.close()

    with first.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [INGEST_LOCK])
    waiter = Waiter()

    ingest(files=knowledge_files(clinic), embedder=embedder(), watcher=waiter)

    assert waiter.waited
    assert Answer.objects.count() == 2


# --- The sample


def test_sample_steps_aside_for_the_first_published_answers(tmp_path: Path, clinic: Path) -> None:
    sample = many(tmp_path / "sample.jsonl", 3)
    loaded(sample, source=SAMPLE_SOURCE, publish=True)

    would = loaded(clinic, publish=True, dry_run=True)
    report = loaded(clinic, publish=True)

    assert would.samples_withdrawn == report.samples_withdrawn == 3
    assert set(titles("q1")) == {SLEEP["answer"], EATING["answer"]}
    assert loaded(sample, source=SAMPLE_SOURCE, publish=True).archived_ids == ("0", "1", "2")


def test_drafts_do_not_replace_the_sample(tmp_path: Path, clinic: Path) -> None:
    loaded(many(tmp_path / "sample.jsonl", 1), publish=True)

    report = loaded(clinic)

    assert report.samples_withdrawn == 0
    assert Answer.objects.filter(status=Status.PUBLISHED).count() == 1


# --- The command


def test_command_says_for_machines_what_it_did(clinic: Path) -> None:
    calibrated(answers=2)

    said, code = command(clinic, "--publish")

    assert code == 0
    assert said["files"] == [{"path": str(clinic), "encoding": "utf-8", "format": "jsonl"}]
    assert (said["read"], said["created"], said["published"]) == (2, 2, 2)
    assert (said["dry_run"], said["errors"], said["samples_withdrawn"]) == (False, [], 0)


def test_command_tells_machines_all_errors_and_fails(clinic: Path) -> None:
    written(clinic, [{"id": str(i)} for i in range(25)])

    said, code = command(clinic)

    assert code == 1
    assert [error["line"] for error in said["errors"]] == list(range(1, 26))
    assert {error["file"] for error in said["errors"]} == {str(clinic)}


def test_command_tells_people_the_first_errors(clinic: Path) -> None:
    written(clinic, [{"id": str(i)} for i in range(25)])
    output, errors = io.StringIO(), io.StringIO()

    with pytest.raises(CommandError, match="Nothing was stored") as caught:
        call_command("ingest", str(clinic), stdout=output, stderr=errors)

    lines = errors.getvalue().splitlines()
    assert caught.value.returncode == 1
    assert lines[0] == f"{clinic}:1: The row has no answer."
    assert (len(lines), lines[-1]) == (21, "… and 5 more.")
    assert "25 rows read, 25 of them invalid." in output.getvalue()


def test_command_tells_people_what_it_did(clinic: Path) -> None:
    written(clinic, [SLEEP | {"focus": "x", "answer": "a\u200b"}, EATING])
    output = io.StringIO()

    call_command("ingest", str(clinic), stdout=output)

    said = output.getvalue()
    assert "2 rows read: 2 created, 0 updated, 0 unchanged, 0 invalid." in said
    assert "1 row had something hidden" in said
    assert "Ignored fields: “focus”." in said


def test_command_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    content = "编号,问题,答案\n1,问什么？,答什么。\n".encode("gb18030")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    said, code = command("-", "--source", "phone")

    assert (code, said["files"]) == (0, [{"path": "-", "encoding": "gb18030", "format": "csv"}])
    assert Answer.objects.get(source="phone").text == "答什么。"


@pytest.mark.parametrize("arguments", [["missing.csv"], [".", "--source", " "]])
def test_command_refuses_what_it_cannot_start_with(arguments: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("ingest", *arguments)

    assert caught.value.returncode == 2
