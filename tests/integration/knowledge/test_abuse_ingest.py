"""T-54, T-56 and T-57 of the abuse catalogue: what files may not do, and what search never says."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from knowledge import publishing
from knowledge.models import Answer, AnswerVector
from knowledge.wiring import embedder
from tests.databases import database_url, rows
from tests.integration.ingesting import SLEEP, command, counts, loaded, statuses, titles, written
from tests.serving import PROJECT, environment, manage

WAIT_SECONDS = 60
ROWS = 400


# --- T-54


@pytest.mark.django_db
@pytest.mark.parametrize(
    "field",
    [
        {"status": "published"},
        {"reviewed_by": "Dr. Evil"},
        {"embedding": [0.1, 0.2]},
        {"version": 7},
        {"is_published": True},
        {"状态": "已发布"},
    ],
)
def test_t54_field_that_only_people_set_is_refused(tmp_path: Path, field: dict[str, Any]) -> None:
    report = loaded(written(tmp_path / "clinic.jsonl", [SLEEP, {"id": "2", "answer": "a"} | field]))

    assert (report.refused, report.invalid) == (True, 1)
    assert "may not be set by a file" in report.errors[0].message
    assert not Answer.objects.exists()


@pytest.mark.django_db
def test_t54_id_of_another_source_changes_nothing_there(tmp_path: Path) -> None:
    loaded(written(tmp_path / "clinic.jsonl", [SLEEP]), publish=True)
    theirs = Answer.objects.get()
    forged = [SLEEP | {"answer": "Forged."}, {"id": str(theirs.pk), "answer": "Forged."}]
    forged.append({"id": str(theirs.uid), "answer": "Forged."})

    report = loaded(written(tmp_path / "forged.jsonl", forged))

    theirs.refresh_from_db()
    assert counts(report) == (3, 0, 0, 0)
    assert (theirs.text, theirs.version, theirs.status) == (SLEEP["answer"], 1, "published")


@pytest.mark.django_db
def test_t54_rows_are_drafts_unless_the_operator_publishes(tmp_path: Path) -> None:
    path = written(tmp_path / "clinic.jsonl", [SLEEP])

    command(path)

    assert statuses() == {"sleep": "draft"}
    assert titles(str(SLEEP["questions"][0])) == []


# --- T-56


@pytest.mark.django_db
def test_t56_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "clinic.jsonl", [SLEEP])
    loaded(path, publish=True)
    before = list(Answer.objects.values()), list(AnswerVector.objects.values_list("pk"))

    report = loaded(path, publish=True)

    assert counts(report) == (0, 0, 1, 0)
    assert (list(Answer.objects.values()), list(AnswerVector.objects.values_list("pk"))) == before


def started(path: Path, variables: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "ingest", str(path), "--publish", "--json"],
        cwd=PROJECT,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def settings(folder: Path, database: str) -> dict[str, str]:
    return environment(folder) | {"DATABASE_URL": database_url(database)}


def clinic(folder: Path) -> Path:
    wordings = [{"id": str(i), "question": f"q{i}", "answer": f"a{i}"} for i in range(ROWS)]
    return written(folder / "clinic.jsonl", wordings)


def count_as_calibrated(database: str) -> None:
    """Calibrating takes the embedder many seconds; here the bars are of no interest."""
    published = "SELECT count(*) FROM knowledge_answer WHERE status = 'published'"
    update = "UPDATE knowledge_embeddingspace SET calibrated_answers ="
    assert rows(database, f"{update} ({published}) + {ROWS} RETURNING 1")


def stored(database: str) -> int:
    statement = "SELECT count(*) FROM knowledge_answer WHERE source = 'clinic'"
    return int(rows(database, statement)[0][0])


HALF_WRITTEN = """
    SELECT count(*) FROM knowledge_answer a WHERE source = 'clinic' AND NOT (
        status = 'published'
        AND EXISTS (SELECT FROM knowledge_question q WHERE q.answer_id = a.id)
        AND EXISTS (SELECT FROM knowledge_lexicalentry l WHERE l.answer_id = a.id)
        AND EXISTS (SELECT FROM knowledge_answervector v
                    WHERE v.answer_id = a.id AND v.content_hash = a.content_hash))
"""


@pytest.mark.django_db
def test_t56_killed_ingest_leaves_whole_answers_and_is_completed(
    tmp_path: Path, database: str
) -> None:
    path, variables = clinic(tmp_path), settings(tmp_path, database)
    count_as_calibrated(database)
    process = started(path, variables)
    deadline = time.monotonic() + WAIT_SECONDS
    while not stored(database) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = stored(database)
    whole = rows(database, HALF_WRITTEN) == [(0,)]

    finished = manage("ingest", str(path), "--publish", "--quiet", environment=variables)

    assert (0 < before < ROWS, whole) == (True, True)
    assert finished.returncode == 0, finished.stderr
    assert f"{ROWS - before} created, 0 updated, {before} unchanged" in finished.stdout
    assert (stored(database), rows(database, HALF_WRITTEN)) == (ROWS, [(0,)])


@pytest.mark.django_db
def test_t56_two_ingests_at_once_wait_for_each_other(tmp_path: Path, database: str) -> None:
    path, variables = clinic(tmp_path), settings(tmp_path, database)
    count_as_calibrated(database)

    processes = [started(path, variables) for _ in range(2)]
    outputs = [process.communicate(timeout=WAIT_SECONDS * 3) for process in processes]

    assert [process.returncode for process in processes] == [0, 0], outputs
    created = sorted(output.split('"created": ')[1].split(",")[0] for output, _ in outputs)
    assert created == ["0", str(ROWS)]
    assert (stored(database), rows(database, HALF_WRITTEN)) == (ROWS, [(0,)])


# --- T-57


@pytest.fixture
def sleep(tmp_path: Path) -> Answer:
    loaded(written(tmp_path / "clinic.jsonl", [SLEEP]), publish=True)
    return Answer.objects.get()


QUESTION = "孩子晚上不睡觉怎么办？"


@pytest.mark.django_db
def test_t57_edited_answer_is_found_in_its_new_words_alone(sleep: Answer) -> None:
    sleep.text = "每天按时起床。"
    sleep.save()

    publishing.store_edit(sleep, embedder())

    assert titles(QUESTION) == ["每天按时起床。"]
    assert AnswerVector.objects.get().content_hash == sleep.content_hash


@pytest.mark.django_db
def test_t57_withdrawn_answer_is_found_no_more_until_it_is_restored(sleep: Answer) -> None:
    answers = Answer.objects.all()

    publishing.give_status(answers, Answer.Status.ARCHIVED, embedder())
    withdrawn = titles(QUESTION)
    publishing.give_status(answers, Answer.Status.PUBLISHED, embedder())

    assert (withdrawn, titles(QUESTION)) == ([], [sleep.text])


@pytest.mark.django_db
def test_t57_answer_edited_while_it_was_withdrawn_comes_back_in_its_new_words(
    sleep: Answer,
) -> None:
    publishing.give_status(Answer.objects.all(), Answer.Status.ARCHIVED, embedder())
    sleep.refresh_from_db()
    sleep.text = "每天按时起床。"
    sleep.save()
    publishing.store_edit(sleep, embedder())

    publishing.give_status(Answer.objects.all(), Answer.Status.PUBLISHED, embedder())

    assert titles(QUESTION) == ["每天按时起床。"]


@pytest.mark.django_db
def test_t57_deleted_answer_is_found_no_more(sleep: Answer) -> None:
    sleep.delete()

    assert titles(QUESTION) == []
    assert not AnswerVector.objects.exists()
