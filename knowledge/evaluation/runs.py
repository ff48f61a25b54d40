"""Evaluates a set in a scratch base, or the knowledge that is published now."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from knowledge.calibration import calibrate
from knowledge.embedders.base import Embedder, EmbedderError
from knowledge.evaluation import scratch
from knowledge.evaluation.asking import ask, titles
from knowledge.evaluation.figures import Evaluation, evaluation
from knowledge.evaluation.sets import (
    KNOWLEDGE,
    EvaluationSetError,
    JudgedQuery,
    ingestible,
    knowledge_beside,
    negatives_in,
    queries_in,
)
from knowledge.importers.files import KnowledgeFile, knowledge_files
from knowledge.ingestion import Options, Watcher, ingest
from knowledge.models import Answer
from knowledge.retrieval import unit
from knowledge.spaces import space_of

SOURCE = "evaluation"


class EvaluationWatcher(Watcher, Protocol):
    """Who wants to know how far an evaluation is."""

    def asked(self, done: int, total: int) -> None:
        """So many of the queries have been asked."""


def evaluate_set(
    folder: Path,
    *,
    negatives: Sequence[Path] = (),
    embedder: Embedder,
    watcher: EvaluationWatcher,
) -> Evaluation:
    """Ingest, calibrate and search as an installation does, where nobody else sees it.

    Raises EvaluationSetError, ScratchBaseError and EmbedderError; nothing is left behind.
    """
    queries = all_queries(folder, negatives)
    with tempfile.TemporaryDirectory(prefix="expertline-") as temporary:
        files = files_of(folder, Path(temporary))
        with scratch.scratch_base():
            load(files, embedder, watcher)
            calibrate(embedder)
            scratch.analyze()
            return evaluated(queries, embedder, watcher)


def evaluate_live(
    path: Path,
    *,
    negatives: Sequence[Path] = (),
    embedder: Embedder,
    watcher: EvaluationWatcher,
) -> Evaluation:
    """Search the published answers, as chat does now. Raises EvaluationSetError, EmbedderError."""
    return evaluated(all_queries(path, negatives), embedder, watcher)


def all_queries(path: Path, negatives: Sequence[Path]) -> list[JudgedQuery]:
    return [*queries_in(path), *(query for each in negatives for query in negatives_in(each))]


def files_of(folder: Path, temporary: Path) -> list[KnowledgeFile]:
    if (folder / KNOWLEDGE).exists():
        return knowledge_files(ingestible(folder, temporary / KNOWLEDGE), source=SOURCE)
    return [
        file for path in knowledge_beside(folder) for file in knowledge_files(path, source=SOURCE)
    ]


def load(files: Sequence[KnowledgeFile], embedder: Embedder, watcher: Watcher) -> None:
    options = Options(publish=True)
    report = ingest(files=files, embedder=embedder, options=options, watcher=watcher)
    if report.refused:
        error = report.errors[0]
        raise EvaluationSetError(f"{Path(error.file).name}:{error.line}: {error.message}")
    if report.errors:
        raise EmbedderError("The embedder failed while the answers were stored.")


def evaluated(
    queries: Sequence[JudgedQuery], embedder: Embedder, watcher: EvaluationWatcher
) -> Evaluation:
    answers = Answer.objects.filter(status=Answer.Status.PUBLISHED).count()
    if not answers:
        raise EvaluationSetError("No answer is published, so there is nothing to evaluate.")
    expected = titles(queries)
    outcomes = ask(queries, embedder, progress=watcher.asked)
    bars = {name: unit(bar) for name, bar in space_of(embedder).bars.items()}
    return evaluation(outcomes, answers=answers, bars=bars, titles=expected)
