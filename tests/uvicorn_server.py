"""The same application under uvicorn, because it is written for no server in particular."""

import sys

import pytest

from chat.commands import MAX_FRAME_BYTES
from tests.serving import ChatServer


class UvicornServer(ChatServer):
    """Without `manage.py serve`: what runs beside the requests begins with the first socket."""

    ready = "Uvicorn running on"

    @property
    def environment(self) -> dict[str, str]:
        """It ends without closing the connections of our threads, and Python says so."""
        return super().environment | {"PYTHONWARNINGS": "default,ignore::ResourceWarning"}

    @property
    def command(self) -> list[str]:
        options = {
            "--port": str(self.port),
            "--ws": "websockets-sansio",
            "--ws-max-size": str(MAX_FRAME_BYTES),
            "--ws-per-message-deflate": "false",
            "--lifespan": "off",
        }
        flat = [word for option in options.items() for word in option]
        switches = ["--no-proxy-headers", "--no-access-log"]
        return [sys.executable, "-m", "uvicorn", "config.asgi:application", *flat, *switches]


EVERY_SERVER = pytest.mark.parametrize(
    "model_server",
    [pytest.param(ChatServer, id="daphne"), pytest.param(UvicornServer, id="uvicorn")],
    indirect=True,
    scope="session",
)
"""For tests, or modules of tests, that need `model_server` or its visitors."""
