"""manage.py export: writes experts' answers so that ingest reads them back unchanged."""

import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError

from knowledge.exporting import WRITERS, Format, UnexportableError, export


class Command(BaseCommand):
    help = "Write the answers in use, drafts too, so that ingest reads them back unchanged."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=sorted(WRITERS), help="default: the file's, or csv")
        parser.add_argument("--source", default="", help="only what is from there")
        parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")

    def handle(self, *_args: object, **options: Any) -> None:
        output: Path | None = options["output"]
        file_format = options["format"] or format_of(output)
        try:
            with replaced(output) if output else standard_output(file_format) as file:
                count = export(file, file_format, source=options["source"])
        except UnexportableError as error:
            raise CommandError(str(error), returncode=1) from error
        except BrokenPipeError:
            leave_the_pipe()
            return
        except OSError as error:
            message = f"The answers cannot be written: {error.strerror}."
            raise CommandError(message, returncode=2) from error
        if output:
            self.stdout.write(f"Answers written to {output}: {count:,}.")


def format_of(output: Path | None) -> Format:
    suffix = output.suffix.lower().removeprefix(".") if output else ""
    return suffix if suffix in WRITERS else "csv"


@contextmanager
def replaced(output: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `output` once all is in it."""
    with tempfile.NamedTemporaryFile(dir=output.parent, prefix=".export-", delete=False) as file:
        path = Path(file.name)
        try:
            yield cast("BinaryIO", file)
            file.flush()
            path.chmod(0o666 & ~umask())
            path.replace(output)
        finally:
            path.unlink(missing_ok=True)


def umask() -> int:
    """What a new file may not let others do; asking means setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def standard_output(file_format: Format) -> Iterator[BinaryIO]:
    if file_format == "xlsx":
        raise CommandError("A workbook needs a place: --output answers.xlsx.", returncode=2)
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


def leave_the_pipe() -> None:
    """Whoever read has seen enough: Python must not complain when it closes the pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
