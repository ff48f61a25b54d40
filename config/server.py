"""Daphne's server with our own stopping: say goodbye, let turns finish, then go.

Daphne alone drops every socket without a close frame at SIGTERM and knows no drain.
"""

import asyncio
import logging
import signal
from collections.abc import Callable

from daphne.server import Server, twisted_loop
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.interfaces import IListeningPort
from twisted.python.failure import Failure

from chat.commands import MAX_FRAME_BYTES
from chat.consumers import say_goodbye_to_all
from chat.wiring import generation, warm_up
from config.asgi import application

logger = logging.getLogger(__name__)

GOODBYE_SECONDS = 2.0


class ChatProtocol(WebSocketProtocol):  # type: ignore[misc]  # daphne has no types
    """Limits what comes in, and that alone: Autobahn refuses to send longer messages as well."""

    maxMessagePayloadSize: int  # noqa: N815  (the library's name)

    def sendMessage(self, *arguments: object, **options: object) -> None:  # noqa: N802  (as above)
        limit, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(*arguments, **options)
        finally:
            self.maxMessagePayloadSize = limit


class ChatServer(Server):  # type: ignore[misc]  # daphne has no types
    """Serves until SIGTERM (drains) or SIGINT (hands running turns over at once)."""

    def __init__(
        self, *, host: str, port: int, drain_seconds: float, ready: Callable[[], None]
    ) -> None:
        escaped = host.replace(":", r"\:")
        super().__init__(
            application,
            endpoints=[f"tcp:port={port}:interface={escaped}"],
            signal_handlers=False,
            websocket_max_message_size=MAX_FRAME_BYTES,
            websocket_max_frame_size=MAX_FRAME_BYTES,
            application_close_timeout=5,
            server_name="expertline",
        )
        self._drain_seconds = drain_seconds
        self._ready = ready
        self._ports: list[IListeningPort] = []
        self._stopping: asyncio.Task[None] | None = None
        self._warming_up: asyncio.Task[None] | None = None
        self.failure = ""

    def run(self) -> None:
        """Blocks until stopped. `failure` tells why the address could not be listened on."""
        for number, seconds in ((signal.SIGTERM, self._drain_seconds), (signal.SIGINT, 0.0)):
            twisted_loop.add_signal_handler(number, self._begin_stopping, seconds)
        super().run()
        for number in (signal.SIGTERM, signal.SIGINT):  # what still hangs now may be ended
            signal.signal(number, signal.SIG_DFL)

    def listen_success(self, port: IListeningPort) -> None:
        super().listen_success(port)
        self._ports.append(port)
        twisted_loop.call_soon(self._started)

    def listen_error(self, failure: Failure) -> None:
        self.failure = failure.getErrorMessage()
        self.stop()

    def _started(self) -> None:
        """Daphne knows no ASGI lifespan: background tasks begin here, inside the event loop."""
        self.ws_factory.protocol = ChatProtocol
        self.ws_factory.setProtocolOptions(
            failByDrop=False,  # say 1009 instead of vanishing
            allowNullOrigin=True,  # else reset by this call; ExactOrigin is who refuses, with 403
        )
        generation().begin()
        self._warming_up = twisted_loop.create_task(warm_up())
        self._ready()

    def _begin_stopping(self, seconds: float) -> None:
        """A second signal cuts the drain short."""
        if self._stopping is not None:
            self._stopping.cancel()
            seconds = 0.0
        self._stopping = twisted_loop.create_task(self._stop_gently(seconds))

    async def _stop_gently(self, seconds: float) -> None:
        turns = generation()
        turns.draining = True
        for port in self._ports:
            port.stopListening()  # type: ignore[misc]  # zope interfaces lack self
        await say_goodbye_to_all(within_seconds=min(GOODBYE_SECONDS, seconds))
        await turns.drain(seconds)
        if self._warming_up:
            self._warming_up.cancel()
        self.stop()
