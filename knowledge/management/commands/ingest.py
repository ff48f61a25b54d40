"""manage.py ingest: loads experts' answers from files."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from knowledge.calibration import calibrate_if_needed
from knowledge.embedders.base import EmbedderError
from knowledge.importers.base import shown
from knowledge.importers.files import (
    READERS,
    KnowledgeFile,
    NoKnowledgeFileError,
    knowledge_files,
    spooled,
)
from knowledge.importers.report import Report
from knowledge.ingestion import SAMPLE_SOURCE, ingest
from knowledge.wiring import embedder

ERRORS_SHOWN = 20
NAMES_SHOWN = 20
NOT_CALIBRATED = "The answers are stored, but the embedder failed in the end. Run this again."


class ProgressBar:
    """A bar on standard error, or nothing where nobody would see it move."""

    def __init__(self, *, quiet: bool) -> None:
        hidden = quiet or not sys.stderr.isatty()
        self._bar = tqdm(desc="Checking", unit=" rows", disable=hidden, leave=False, miniters=1)

    def progress(self, done: int, total: int | None) -> None:
        if total != self._bar.total:
            self._bar.set_description("Storing", refresh=False)
            self._bar.reset(total)
        self._bar.update(done - self._bar.n)

    def waiting(self) -> None:
        self._bar.write("Another ingest is running; waiting for its end.", file=sys.stderr)

    def close(self) -> None:
        self._bar.close()


class Command(BaseCommand):
    help = "Load experts' answers from files, folders or, with -, from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, or -")
        parser.add_argument("--source", default="", help="what they are from (default: the name)")
        parser.add_argument("--format", choices=sorted(READERS), help="if the name does not tell")
        parser.add_argument("--publish", action="store_true", help="let visitors find the answers")
        parser.add_argument("--dry-run", action="store_true", help="change nothing, only say what")
        parser.add_argument("--skip-invalid", action="store_true", help="load the valid rows")
        parser.add_argument("--quiet", action="store_true", help="show no progress")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: object, **options: Any) -> None:
        with ExitStack() as stack:
            files = chosen_files(options, stack)
            bar = ProgressBar(quiet=options["quiet"])
            stack.callback(bar.close)
            report = ingest(
                files=files,
                embedder=embedder(),
                publish=options["publish"],
                dry_run=options["dry_run"],
                skip_invalid=options["skip_invalid"],
                watcher=bar,
            )
        self.tell(report, publish=options["publish"], machine=options["json"])
        problem = failure(report)
        stored = not (report.refused or report.dry_run)
        if stored and options["publish"] and not calibrated():
            problem = problem or NOT_CALIBRATED
        if problem:
            raise CommandError(problem, returncode=1)

    def tell(self, report: Report, *, publish: bool, machine: bool) -> None:
        if machine:
            self.stdout.write(as_json(report))
            return
        for error in report.errors[:ERRORS_SHOWN]:
            self.stderr.write(f"{error.file}:{error.line}: {error.message}")
        if len(report.errors) > ERRORS_SHOWN:
            self.stderr.write(f"… and {len(report.errors) - ERRORS_SHOWN:,} more.")
        for sentence in summary(report, publish=publish):
            self.stdout.write(sentence)


def calibrated() -> bool:
    """Learn the bars again if the base has grown; False if the embedder failed."""
    try:
        calibrate_if_needed(embedder())
    except EmbedderError:
        return False
    return True


def chosen_files(options: dict[str, Any], stack: ExitStack) -> list[KnowledgeFile]:
    source, file_format = options["source"], options["format"]
    files: list[KnowledgeFile] = []
    try:
        for path in options["paths"]:
            if path == "-":
                stream = spooled(
                    sys.stdin.buffer, source=source or "stdin", file_format=file_format
                )
                files.append(stack.enter_context(stream))
            else:
                files += knowledge_files(Path(path), source=source, file_format=file_format)
    except NoKnowledgeFileError as error:
        raise CommandError(str(error), returncode=2) from error
    return files


def as_json(report: Report) -> str:
    shape = {
        "files": [asdict(file) for file in report.files],
        "read": report.read,
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "invalid": report.invalid,
        "published": report.published,
        "flagged": report.flagged,
        "errors": [asdict(error) for error in report.errors],
        "dry_run": report.dry_run,
        "samples_withdrawn": report.samples_withdrawn,
        "ignored_fields": report.ignored_fields,
        "archived": report.archived,
        "refused": report.refused,
    }
    return json.dumps(shape, ensure_ascii=False)


def summary(report: Report, *, publish: bool) -> Iterator[str]:
    """What happened, in sentences."""
    for file in report.files[:NAMES_SHOWN]:
        yield f"{file.path} is {file.format}, {file.encoding}."
    if report.refused:
        yield f"{rows(report.read)} read, {report.invalid:,} of them invalid."
        return
    if report.dry_run:
        yield "This is a dry run: nothing was written. Without --dry-run it would be:"
    yield (
        f"{rows(report.read)} read: {report.created:,} created, {report.updated:,} updated,"
        f" {report.unchanged:,} unchanged, {report.invalid:,} invalid."
    )
    if publish:
        yield f"Answers published: {report.published:,}."
    elif report.created:
        yield "New answers are drafts. Publish them in the admin, or run this again with --publish."
    yield from remarks(report)


def remarks(report: Report) -> Iterator[str]:
    """What somebody should look at."""
    if report.flagged:
        yield (
            f"Invisible characters were taken out of {rows(report.flagged)}. Somebody may have"
            " hidden something there: read these answers before you trust them."
        )
    if report.ignored_fields:
        yield f"Ignored fields: {listed(report.ignored_fields)}."
    if report.archived:
        yield f"Archived answers stay archived: {listed(report.archived)}."
    if report.samples_withdrawn:
        yield (
            f"The {report.samples_withdrawn:,} sample answers make room for yours and are archived;"
            f" to bring them back, publish those of the source “{SAMPLE_SOURCE}” in the admin."
        )


def listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN:,} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(shown(name) for name in names[:NAMES_SHOWN]) + more


def rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def failure(report: Report) -> str:
    """The sentence that the command ends with, "" if all is well."""
    if report.refused and report.invalid:
        return (
            "Nothing was stored. Correct the invalid rows, or load the others with --skip-invalid."
        )
    if report.refused:
        return "Nothing was stored. Leave out the files that cannot be read, or use --skip-invalid."
    return "Not everything was stored." if report.errors else ""
