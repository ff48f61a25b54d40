"""`manage.py serve`: the chat server."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.first_run import set_up
from config.server import ChatServer


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
        server = ChatServer(
            host=host,
            port=port,
            drain_seconds=settings.DRAIN_SECONDS,
            ready=lambda: self.tell(f"Ready: http://{shown}:{port}"),
        )
        server.run()
        if server.failure:
            raise CommandError(f"{server.failure} Set HOST and PORT to what is free here.")

    def tell(self, line: str) -> None:
        """Flushed, for those who read it from a pipe or a file."""
        self.stdout.write(line)
        self.stdout.flush()
