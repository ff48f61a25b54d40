"""Files of knowledge for the tests of ingest, and short ways to load them and to look."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

from knowledge.embedders.base import Embedder
from knowledge.importers.files import knowledge_files
from knowledge.importers.report import Report
from knowledge.ingestion import Options, ingest
from knowledge.models import Answer
from knowledge.retrieval import search
from knowledge.wiring import embedder

SLEEP = {
    "id": "sleep",
    "questions": ["孩子晚上不睡觉怎么办？", "自闭症孩子睡眠差"],
    "answer": "固定作息，睡前一小时不看屏幕。",
    "topic": "睡眠",
}
EATING = {"id": "eating", "question": "My child eats only rice.", "answer": "Offer one new food."}


def written(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def many(path: Path, number: int) -> Path:
    return written(
        path, [{"id": str(i), "question": f"q{i}", "answer": "a"} for i in range(number)]
    )


def loaded(
    path: Path, *, source: str = "", using: Embedder | None = None, **options: Any
) -> Report:
    return ingest(
        files=knowledge_files(path, source=source),
        embedder=using or embedder(),
        options=Options(**options),
    )


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, report.invalid


def statuses() -> dict[str, str]:
    """Of every answer, by its id in its source."""
    return dict(Answer.objects.values_list("external_id", "status"))


def titles(question: str) -> list[str]:
    return [hit.text for hit in search(question, embedder()).hits]


def command(*arguments: object) -> tuple[dict[str, Any], int]:
    """What the command prints with --json, and its exit code."""
    output, code = io.StringIO(), 0
    try:
        call_command("ingest", *map(str, arguments), "--json", stdout=output)
    except CommandError as error:
        code = error.returncode
    return json.loads(output.getvalue() or "{}"), code


def said(*arguments: object) -> str:
    """What the command tells people, errors included."""
    output = io.StringIO()
    try:
        call_command("ingest", *map(str, arguments), stdout=output, stderr=output)
    except CommandError as error:
        output.write(str(error))
    return output.getvalue()
