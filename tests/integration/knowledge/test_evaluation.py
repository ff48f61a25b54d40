"""Evaluations in a real Postgres: what they find, and what they leave behind."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection

from knowledge.embedders.base import EmbedderError
from knowledge.evaluation.figures import Evaluation, as_json
from knowledge.evaluation.report import report
from knowledge.evaluation.runs import evaluate_live, evaluate_set, files_of, load
from knowledge.evaluation.scratch import (
    FIRST_SPACE,
    PREFIX,
    ScratchBaseError,
    scratch_base,
    sweep,
)
from knowledge.evaluation.sets import EvaluationSetError
from knowledge.evaluation.table import table
from knowledge.ingestion import Nobody
from knowledge.models import Answer, EmbeddingSpace, Term
from tests.evaluation_sets import QUERIES, WordEmbedder, evaluation_set, write
from tests.integration.curating import HAIRCUT, SLEEP, XSS, stored

pytestmark = pytest.mark.django_db


class Watcher(Nobody):
    """Remembers how many queries were asked."""

    def __init__(self) -> None:
        self.done = 0

    def asked(self, done: int, total: int) -> None:
        assert done <= total
        self.done = done


def evaluated(folder: Path, *negatives: Path, using: WordEmbedder | None = None) -> Evaluation:
    return evaluate_set(
        folder, negatives=negatives, embedder=using or WordEmbedder(), watcher=Watcher()
    )


def scratch_schemas() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [PREFIX])
        return [name for (name,) in cursor.fetchall()]


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    return evaluation_set(tmp_path / "clinic")


def test_right_answers_are_found(clinic: Path) -> None:
    found = evaluated(clinic)

    assert [outcome.rank for outcome in found.answerable] == [1, 1, 1]
    assert found.overall.estimates["hit@1"].value == 1.0
    assert found.answers == 3


def test_figures_are_of_one_object_for_machines(clinic: Path) -> None:
    told = json.loads(json.dumps(as_json(evaluated(clinic))))

    promised = {"hit@1", "hit@5", "mrr@10", "ndcg@10", "answered", "false_answers", "bar", "n"}
    assert promised <= told.keys()
    assert {"p50", "p95"} == told["ms"].keys()
    assert told["by_kind"].keys() == {"reworded", "short", "out_of_domain"}
    assert (told["n"], told["answerable"], told["negatives"]) == (4, 3, 1)
    assert told["ci"]["hit@1"] == [1.0, 1.0]
    assert told["auc"].keys() == {"all", "out_of_domain"}


def test_set_without_negatives_has_no_false_answers(tmp_path: Path) -> None:
    told = as_json(evaluated(evaluation_set(tmp_path, queries=QUERIES[:3])))

    assert told["false_answers"] is None
    assert told["auc"] == {}


def test_queries_of_other_sets_count_as_negatives(clinic: Path, tmp_path: Path) -> None:
    others = write(tmp_path / "others.jsonl", [{"query": "fork", "relevant": ["elsewhere"]}])

    found = evaluated(clinic, others, clinic)

    assert len(found.negatives) == 1 + 1 + len(QUERIES)


def test_what_was_said_before_is_searched_with(tmp_path: Path) -> None:
    query = {"query": "and why?", "relevant": ["sleep"], "history": ["sleep", "a reply", "night"]}
    using = WordEmbedder()

    evaluated(evaluation_set(tmp_path, queries=[query]), using=using)

    assert "sleep\nnight\nand why?" in using.queries


def test_nothing_is_left_behind(clinic: Path) -> None:
    evaluated(clinic)

    assert scratch_schemas() == []
    assert not Answer.objects.exists()
    assert not EmbeddingSpace.objects.exists()


def test_nothing_is_left_behind_by_an_embedder_that_fails(clinic: Path) -> None:
    with pytest.raises(EmbedderError):
        evaluated(clinic, using=WordEmbedder(works=2))

    assert scratch_schemas() == []
    assert not Answer.objects.exists()


def test_published_answers_are_neither_found_nor_changed(clinic: Path) -> None:
    before = Answer.objects.create(
        text="Sleep tight.", locale="en", external_id="sleep", source="evaluation"
    )

    found = evaluated(clinic)

    assert found.answers == 3
    assert list(Answer.objects.all()) == [before]


def test_space_has_another_number_than_live_ones() -> None:
    live = EmbeddingSpace.objects.create(fingerprint="live", dimensions=64)

    with scratch_base():
        ours = EmbeddingSpace.objects.create(fingerprint="scratch", dimensions=64)

    assert ours.pk != live.pk
    assert ours.pk >= FIRST_SPACE


def test_terms_are_counted_where_the_answers_are() -> None:
    stored(SLEEP)

    with scratch_base():
        stored(SLEEP)
        stored(HAIRCUT)
        scratch = Term.objects.get(term="").holders

    assert (scratch, Term.objects.get(term="").holders) == (2, 1)


def test_relevant_id_that_no_answer_has_is_told(tmp_path: Path) -> None:
    folder = evaluation_set(tmp_path, queries=[{"query": "x", "relevant": ["nowhere"]}])

    with pytest.raises(EvaluationSetError, match=r"1 of the relevant ids.*nowhere"):
        evaluated(folder)


def test_published_knowledge_is_evaluated_live(clinic: Path, tmp_path: Path) -> None:
    using = WordEmbedder()
    load(files_of(clinic, tmp_path), using, Nobody())

    found = evaluate_live(clinic, embedder=using, watcher=Watcher())

    assert found.overall.estimates["hit@1"].value == 1.0
    assert (found.answers, Answer.objects.count()) == (3, 3)


def test_live_base_without_answers_is_told(clinic: Path) -> None:
    with pytest.raises(EvaluationSetError, match="No answer is published"):
        evaluate_live(clinic, embedder=WordEmbedder(), watcher=Watcher())


def test_report_escapes_everything_of_the_set(tmp_path: Path) -> None:
    evil = {"id": XSS, "question": XSS, "answer": XSS, "category": XSS}
    query = {"query": f"{XSS}?", "relevant": [XSS], "kind": XSS, "history": [XSS]}
    negative = {"query": "Who won?", "relevant": [], "type": XSS}

    found = evaluated(evaluation_set(tmp_path, knowledge=[evil], queries=[query, negative]))
    page = report(found, name=XSS, live=False)

    assert XSS not in page
    assert "<script" not in page
    assert not re.search(r"<[^>]*(src|href)\s*=|url\(|@import", page)


def test_table_names_every_kind(clinic: Path) -> None:
    lines = "\n".join(table(evaluated(clinic)))

    assert re.search(r"reworded +2 +1\.000", lines)
    assert "4 queries (3 answerable) in 3 answers" in lines


@pytest.mark.django_db(transaction=True)
def test_scratch_base_is_gone_after_an_error_of_the_database() -> None:
    with pytest.raises(DatabaseError), scratch_base(), connection.cursor() as cursor:
        cursor.execute("SELECT nonsense")

    assert scratch_schemas() == []
    assert not Answer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_scratch_base_is_gone_after_its_connection_was_lost() -> None:
    with pytest.raises(DatabaseError), scratch_base(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    assert scratch_schemas() == []


@pytest.mark.django_db(transaction=True)
def test_another_connection_of_the_process_sees_the_scratch_base() -> None:
    with scratch_base() as schema:
        connection.close()

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relnamespace::regnamespace::text FROM pg_class"
                " WHERE oid = 'knowledge_answer'::regclass"
            )
            assert cursor.fetchone() == (schema,)

    assert scratch_schemas() == []


@pytest.mark.django_db(transaction=True)
def test_what_a_killed_evaluation_left_is_swept_up_and_a_running_one_is_not() -> None:
    abandoned, other = f"{PREFIX}abandoned", connection.copy()
    with scratch_base() as running, other.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {abandoned}")

        sweep(other)

        assert scratch_schemas() == [running]
    other.close()


def test_sample_set_works_out_of_the_box() -> None:
    found = evaluated(settings.BASE_DIR / "sample" / "evaluation")

    assert found.answers > 100
    assert found.overall.estimates["hit@10"].value > 0.3


@pytest.fixture
def guest() -> Iterator[str]:
    """A role that this session takes: it may read the live tables, and make no database."""
    name = f"guest_{uuid.uuid4().hex[:8]}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name}")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    yield name
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute(f"DROP OWNED BY {name}")
        cursor.execute(f"DROP ROLE {name}")


@pytest.mark.django_db(transaction=True)
def test_user_who_may_make_schemas_needs_no_other_right(guest: str) -> None:
    with connection.cursor() as cursor:
        database = connection.settings_dict["NAME"]
        cursor.execute(f'GRANT CREATE ON DATABASE "{database}" TO {guest}')
        cursor.execute(f"SET ROLE {guest}")

    with scratch_base():
        Answer.objects.create(text="Only here.", locale="en")

    assert scratch_schemas() == []
    assert not Answer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_user_who_may_not_make_schemas_is_told(guest: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {guest}")

    with pytest.raises(ScratchBaseError, match="right CREATE"), scratch_base():
        pytest.fail("There is no scratch base.")
