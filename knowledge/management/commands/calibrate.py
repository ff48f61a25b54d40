"""manage.py calibrate: learns from the published answers what a hit must score to count."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from knowledge.calibration import calibrate
from knowledge.embedders.base import EmbedderError
from knowledge.evaluation.examples import asked_again
from knowledge.evaluation.learnt_bars import lines
from knowledge.models import Answer
from knowledge.wiring import embedder


class Command(BaseCommand):
    help = "Learns the bars of the search anew from the published answers, and shows them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="learn them and show nothing")

    def handle(self, *_args: object, **options: Any) -> None:
        if not Answer.objects.filter(status=Answer.Status.PUBLISHED).exists():
            raise CommandError("No answer is published, so there is nothing to learn from.")
        try:
            self.learn(quiet=options["quiet"])
        except EmbedderError as error:
            raise CommandError(f"The bars are as they were. {error}") from error

    def learn(self, *, quiet: bool) -> None:
        using = embedder()
        space = calibrate(using)
        if quiet:
            return
        hidden = not sys.stderr.isatty()
        with tqdm(desc="Asking", unit=" questions", disable=hidden, leave=False) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            examples = asked_again(space, using, progress=progress)
        self.stdout.writelines(f"{line}\n" for line in lines(space, examples))
