"""manage.py ingest: loads experts' answers from files, folders, standard input or a Postgres."""

import re
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, count
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from knowledge.calibration import calibrate_if_needed
from knowledge.embedders.base import EmbedderError
from knowledge.importers import postgres
from knowledge.importers.field_names import FieldMapError, field_map
from knowledge.importers.files import (
    FORMATS,
    KnowledgeFile,
    NoKnowledgeFileError,
    knowledge_files,
    spooled,
)
from knowledge.importers.rejects import Rejects, RejectsError
from knowledge.importers.report import Prune, Report
from knowledge.ingestion import Options, ingest
from knowledge.management.progress import ProgressBar
from knowledge.management.summary import as_json, drastic, failure, summary
from knowledge.spaces import ensure_index, space_of
from knowledge.wiring import embedder

ERRORS_SHOWN = 20
NOT_CALIBRATED = "The answers are stored, but the embedder failed in the end. Run this again."
NO_MODEL = (
    "The embeddings of the {table} are not used: it does not say which model made them. The"
    " embedder of the settings makes new ones."
)


class Command(BaseCommand):
    help = "Load experts' answers from files, folders, standard input (-) or a Postgres."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "paths",
            nargs="+",
            metavar="PATH",
            help="a file, a folder, - or postgresql://…/database?table=documents",
        )
        parser.add_argument("--source", default="", help="what they are from (default: the name)")
        parser.add_argument("--format", choices=sorted(FORMATS), help="if the name does not tell")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="HEADER=FIELD",
            help="what a column or key means; may be given several times",
        )
        parser.add_argument("--publish", action="store_true", help="let visitors find the answers")
        parser.add_argument("--dry-run", action="store_true", help="change nothing, only say what")
        parser.add_argument("--skip-invalid", action="store_true", help="load the valid rows")
        parser.add_argument(
            "--rejects",
            type=Path,
            metavar="FILE",
            help="where skipped rows go (default: SOURCE.rejects.jsonl in this folder)",
        )
        parser.add_argument(
            "--prune", action="store_true", help="archive answers that the files have no more"
        )
        parser.add_argument("--yes", action="store_true", help="prune more than half if need be")
        parser.add_argument("--quiet", action="store_true", help="show no progress")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: object, **options: Any) -> None:
        with ExitStack() as stack:
            bar = ProgressBar(quiet=options["quiet"])
            stack.callback(bar.close)
            files, notes = chosen_files(options, stack, bar)
            rejects = stack.enter_context(Rejects(place_of_rejects(options, files)))
            try:
                report = ingest(
                    files=files,
                    embedder=embedder(),
                    options=Options(
                        publish=options["publish"],
                        dry_run=options["dry_run"],
                        skip_invalid=options["skip_invalid"],
                        prune=options["prune"],
                    ),
                    watcher=bar,
                    agrees=lambda prunes: options["yes"] or confirmed(prunes, bar),
                    rejects=rejects if keeps_rejects(options) else None,
                )
            except RejectsError as error:
                raise CommandError(str(error), returncode=2) from error
            except EmbedderError as error:
                raise CommandError(f"Nothing was stored. {error}", returncode=1) from error
        self.tell(report, rejects.paths, notes, options)
        problem = failure(report)
        stored = not (report.refused or report.dry_run)
        if stored and options["publish"] and not made_ready():
            problem = problem or NOT_CALIBRATED
        if problem:
            raise CommandError(problem, returncode=1)

    def tell(
        self,
        report: Report,
        rejects: Mapping[str, Path],
        notes: Sequence[str],
        options: dict[str, Any],
    ) -> None:
        if options["json"]:
            self.stdout.write(as_json(report, rejects, notes))
            return
        for error in report.errors[:ERRORS_SHOWN]:
            self.stderr.write(f"{error.file}:{error.line}: {error.message}")
        if len(report.errors) > ERRORS_SHOWN:
            self.stderr.write(f"… and {len(report.errors) - ERRORS_SHOWN:,} more.")
        publish, prune = options["publish"], options["prune"]
        for sentence in summary(report, rejects, notes, publish=publish, prune=prune):
            self.stdout.write(sentence)


def made_ready() -> bool:
    """Learn the bars again if the base has grown, and see to its index; False if the embedder
    failed."""
    try:
        calibrate_if_needed(embedder())
        ensure_index(space_of(embedder()))
    except EmbedderError:
        return False
    return True


def confirmed(prunes: Sequence[Prune], bar: ProgressBar) -> bool:
    """Whether somebody at the terminal says so."""
    if not sys.stdin.isatty():
        return False
    bar.close()
    sys.stderr.write(f"{drastic(prunes)}\nGo on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def chosen_files(
    options: dict[str, Any], stack: ExitStack, bar: ProgressBar
) -> tuple[list[KnowledgeFile], list[str]]:
    """What to read, and what to say about it."""
    files: list[KnowledgeFile] = []
    notes: list[str] = []
    try:
        columns = field_map(options["map"])
        for path in options["paths"]:
            if postgres.is_address(path):
                table = postgres.table_at(path)
                copy = postgres.documents(
                    table, source=options["source"], columns=columns, progress=bar.progress
                )
                documents = stack.enter_context(copy)
                files.append(documents.file)
                notes += [NO_MODEL.format(table=table)] if documents.embedded else []
            else:
                files += files_at(path, options, columns, stack)
    except (FieldMapError, NoKnowledgeFileError, postgres.UnreadableTableError) as error:
        raise CommandError(str(error), returncode=2) from error
    return files, notes


def files_at(
    path: str, options: dict[str, Any], columns: Mapping[str, str], stack: ExitStack
) -> list[KnowledgeFile]:
    source, file_format = options["source"], options["format"]
    if path != "-":
        return knowledge_files(Path(path), source=source, file_format=file_format, columns=columns)
    stream = spooled(
        sys.stdin.buffer, source=source or "stdin", file_format=file_format, columns=columns
    )
    return [stack.enter_context(stream)]


def keeps_rejects(options: dict[str, Any]) -> bool:
    return options["skip_invalid"] and not options["dry_run"]


def place_of_rejects(
    options: dict[str, Any], files: Sequence[KnowledgeFile]
) -> Callable[[str], Path]:
    """Where the rejected rows of a source go. A file that somebody names is emptied first."""
    chosen: Path | None = options["rejects"]
    if chosen is None:
        return free_place
    problem = problem_with(chosen, files)
    if not options["skip_invalid"]:
        problem = "--rejects goes with --skip-invalid: otherwise nothing is stored at all."
    if problem:
        raise CommandError(problem, returncode=2)
    if keeps_rejects(options):
        try:
            chosen.write_text("", encoding="utf-8")
        except OSError as error:
            message = f"The file {chosen} cannot be written: {error.strerror}."
            raise CommandError(message, returncode=2) from error
    return lambda _source: chosen


def problem_with(chosen: Path, files: Sequence[KnowledgeFile]) -> str:
    """Why the rejected rows cannot go there, "" if they can."""
    if len({file.source for file in files}) > 1:
        return "Rows of several sources cannot go into one file. Leave out --rejects."
    if any(file.path.resolve() == chosen.resolve() for file in files):
        return f"The file {chosen} is read: its rejected rows must go into another one."
    return ""


def free_place(source: str) -> Path:
    """A file of this folder that is not there yet."""
    name = re.sub(r"[^\w-]+", "_", source).strip("_") or "rows"
    names = (f"{name}.rejects{number}.jsonl" for number in chain([""], count(2)))
    return next(path for path in map(Path, names) if not path.exists())
