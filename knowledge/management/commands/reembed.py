"""manage.py reembed: moves the base to another embedder while search goes on."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from knowledge import wiring
from knowledge.embedders.base import Embedder, EmbedderError
from knowledge.reembedding import Reembedded, ReembedError, drop_others, reembed

KINDS = ("local", "openai", "minimax")


class ProgressBar:
    """A bar with rate and time left, or a line a stage where nobody would see it move."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        hidden = quiet or not sys.stderr.isatty()
        self._bar = tqdm(desc="Embedding", unit=" answers", disable=hidden, leave=False, miniters=1)

    def stage(self, sentence: str) -> None:
        if not self._quiet:
            self._bar.write(sentence, file=sys.stderr)

    def progress(self, done: int, total: int) -> None:
        if done == 0 or total != self._bar.total:
            self._bar.reset(total)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class Command(BaseCommand):
    help = (
        "Embed all published answers with another embedder beside the one in use, compare, and"
        " switch. Search goes on meanwhile. Safe to run again after it was stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--embedder", choices=KINDS, help="default: what EMBEDDER says")
        parser.add_argument("--model", default="", help="default: what EMBEDDING_MODEL says")
        parser.add_argument("--dimensions", type=int, default=0, help="if the model has a choice")
        parser.add_argument("--yes", action="store_true", help="switch even if less is found")
        parser.add_argument("--quiet", action="store_true", help="show no progress")
        old = parser.add_mutually_exclusive_group()
        old.add_argument("--keep", action="store_true", help="keep what is left (the default)")
        old.add_argument("--drop-old", action="store_true", help="free the spaces not in use")

    def handle(self, *_args: object, **options: Any) -> None:
        embedder = chosen(options)
        bar = ProgressBar(quiet=options["quiet"])
        try:
            done = reembed(embedder, bar, even_if_worse=options["yes"])
        except ReembedError as error:
            raise CommandError(str(error), returncode=1) from error
        except EmbedderError as error:
            raise CommandError(
                f"{error} Search goes on as before. Run this again to go on.", returncode=1
            ) from error
        finally:
            bar.close()
        self.tell(done)
        if options["drop_old"]:
            for fingerprint in drop_others(done.space):
                self.stdout.write(f"{fingerprint} is gone.")

    def tell(self, done: Reembedded) -> None:
        self.stdout.write(f"Answers embedded: {done.embedded:,}.")
        if done.left:
            self.stdout.write(f"Search has moved from {done.left.fingerprint} to {done.space}.")
        else:
            self.stdout.write(f"Search uses {done.space}.")
        if wiring.mismatch():
            self.stdout.write("Now let EMBEDDER and EMBEDDING_MODEL say the same in the settings.")


def chosen(options: dict[str, Any]) -> Embedder:
    """Raises CommandError where the options do not go together, or something is missing."""
    kind = options["embedder"] or settings.EMBEDDER
    if options["dimensions"] and kind in {"local", "minimax"}:
        raise CommandError(f"--embedder {kind} has no choice of dimensions.", returncode=2)
    if options["model"] and kind == "local":
        raise CommandError("--embedder local has no choice of models.", returncode=2)
    try:
        return wiring.named(kind, model=options["model"], dimensions=options["dimensions"])
    except EmbedderError as error:
        raise CommandError(str(error), returncode=2) from error
