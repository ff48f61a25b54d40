"""`manage.py drain`: the chat server finishes its replies and ends."""

import time
from collections.abc import Sequence

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.serving import ElsewhereError, ServeProcess, serve_processes

POLL_SECONDS = 0.05
SPARE_SECONDS = 15
"""For what comes before and after the running replies: goodbyes, handing over, the last writes."""


class Command(BaseCommand):
    help = (
        "Lets the serve processes of this DATA_DIR finish their replies, and waits for their end."
    )
    requires_system_checks = ()  # it must work when the database does not

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, help="only the process that listens on this port")
        parser.add_argument(
            "--wait",
            type=float,
            default=settings.DRAIN_SECONDS + SPARE_SECONDS,
            help="how many seconds it may take (default: %(default)s)",
        )

    def handle(self, *_args: object, port: int | None, wait: float, **_options: object) -> None:
        deadline = time.monotonic() + wait
        found = list(serve_processes(settings.DATA_DIR, port))
        for process in found:
            ask(process)
        left = found
        while left and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            left = [process for process in left if not process.ended]
        if left:
            raise CommandError(f"Still running after {wait:g} seconds: {ports(left)}.")
        self.stdout.write(f"Ended: {ports(found)}." if found else "Nothing is being served here.")


def ask(process: ServeProcess) -> None:
    try:
        process.ask_to_drain()
    except ElsewhereError as error:
        raise CommandError(
            f"Port {process.port} is served elsewhere, by {error}. Drain it there."
        ) from None
    except PermissionError:
        raise CommandError(
            f"Port {process.port} is served by another account. Drain it as that one."
        ) from None


def ports(processes: Sequence[ServeProcess]) -> str:
    return ", ".join(f"port {process.port} (process {process.pid})" for process in processes)
