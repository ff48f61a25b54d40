"""`manage.py serve`: the chat server."""

import logging

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.first_run import set_up
from config.server import ChatServer
from config.serving import Note

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Serves chat, admin and API until Ctrl-C or SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--set-up", action="store_true", help="run set_up first")

    def handle(self, *_args: object, host: str, port: int, **options: object) -> None:
        if options["set_up"]:
            set_up(self.tell)
        shown = f"[{host}]" if ":" in host else host
        notes: list[Note] = []

        def ready() -> None:
            notes.extend(held_note(port))
            self.tell(f"Ready: http://{shown}:{port}")

        server = ChatServer(host=host, port=port, drain_seconds=settings.DRAIN_SECONDS, ready=ready)
        server.run()
        for note in notes:
            note.drop()
        if server.failure:
            raise CommandError(server.failure)

    def tell(self, line: str) -> None:
        """Flushed, for those who read it from a pipe or a file."""
        self.stdout.write(line)
        self.stdout.flush()


def held_note(port: int) -> list[Note]:
    """The note by which `manage.py drain` finds this process; none where it cannot be kept."""
    try:
        return [Note.hold(settings.DATA_DIR, port)]
    except OSError as error:
        logger.warning("manage.py drain will not find this process: %s", type(error).__name__)
        return []
