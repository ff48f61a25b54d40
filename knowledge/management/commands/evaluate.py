"""manage.py evaluate: how well the search finds answers, and knows when there is none."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from knowledge.embedders.base import EmbedderError
from knowledge.evaluation.figures import Evaluation, as_json
from knowledge.evaluation.report import report
from knowledge.evaluation.runs import evaluate_live, evaluate_set
from knowledge.evaluation.scratch import ScratchBaseError
from knowledge.evaluation.sets import EvaluationSetError
from knowledge.evaluation.table import table
from knowledge.wiring import embedder


class ProgressBars:
    """A bar on standard error for each part, or nothing where nobody would see it move."""

    def __init__(self) -> None:
        hidden = not sys.stderr.isatty()
        self._bar = tqdm(unit="", disable=hidden, leave=False, miniters=1)
        self._part = ""

    def progress(self, done: int, total: int | None) -> None:
        self._show("Checking" if total is None else "Storing", done, total)

    def asked(self, done: int, total: int) -> None:
        self._show("Asking", done, total)

    def waiting(self) -> None:
        self._bar.write("An ingest is running; waiting for its end.", file=sys.stderr)

    def close(self) -> None:
        self._bar.close()

    def _show(self, part: str, done: int, total: int | None) -> None:
        if part != self._part:
            self._part = part
            self._bar.set_description(part, refresh=False)
            self._bar.reset(total)
        self._bar.update(done - self._bar.n)


class Command(BaseCommand):
    help = "Measures the search with a folder's questions, whose right answers are known."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", metavar="FOLDER", type=Path, help="has queries.jsonl, and knowledge.jsonl"
        )
        parser.add_argument(
            "--negatives",
            nargs="+",
            type=Path,
            default=[],
            metavar="PATH",
            help="folders or files of more queries, which nothing here answers",
        )
        parser.add_argument("--live", action="store_true", help="search what is published now")
        parser.add_argument("--report", type=Path, metavar="FILE", help="write a report in HTML")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: object, folder: Path, **options: Any) -> None:
        file = options["report"]
        if file and not file.absolute().parent.is_dir():
            raise CommandError(f"There is no folder for {file}.", returncode=2)
        found = self.evaluated(folder, options["negatives"], live=options["live"])
        if options["json"]:
            self.stdout.write(json.dumps(as_json(found), ensure_ascii=False))
        else:
            self.stdout.writelines(f"{line}\n" for line in table(found))
        if file:
            write(file, report(found, name=folder.resolve().name, live=options["live"]))

    def evaluated(self, folder: Path, negatives: list[Path], *, live: bool) -> Evaluation:
        evaluate = evaluate_live if live else evaluate_set
        bars = ProgressBars()
        try:
            return evaluate(folder, negatives=negatives, embedder=embedder(), watcher=bars)
        except EvaluationSetError as error:
            raise CommandError(str(error), returncode=2) from error
        except ScratchBaseError as error:
            raise CommandError(str(error), returncode=1) from error
        except EmbedderError as error:
            raise CommandError(f"Nothing was measured. {error}", returncode=1) from error
        finally:
            bars.close()


def write(file: Path, page: str) -> None:
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}.", returncode=1) from error
