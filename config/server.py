"""Daphne's server with our own stopping: say goodbye, let turns finish, then go.

Daphne alone drops every socket without a close frame at SIGTERM and knows no drain.
"""

import asyncio
import logging
import signal
from collections.abc import Callable

from daphne.http_protocol import WebRequest
from daphne.server import Server, twisted_loop
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet.tcp import Port
from twisted.python.failure import Failure

from chat.commands import MAX_FRAME_BYTES
from chat.consumers import say_goodbye_to_all
from chat.wiring import generation, warm_up
from config.asgi import application
from config.serving import DRAIN_SIGNAL

logger = logging.getLogger(__name__)

GOODBYE_SECONDS = 2.0
CLOSING_SECONDS = 5
"""For a client's own close frame; cutting it off may take ours from it unread."""
AFTER_GOODBYE_BYTES = 64 * 1024
WAITING_FRAMES = 16
"""Once so many wait for the consumer, nothing more is read; Daphne's own queue has no end."""
READ_AGAIN_SECONDS = 0.02
KNOCKING = 1000
"""Connections that may wait to be accepted: after a restart all come back at once."""
FLUSH_SECONDS = 0.1
"""For the last bytes of finished answers, which Twisted writes a little later."""


class ChatProtocol(WebSocketProtocol):  # type: ignore[misc]  # daphne has no types
    """Limits what comes in, and that alone: Autobahn refuses to send longer messages as well.

    Reads no faster than the consumer does.
    """

    maxMessagePayloadSize: int  # noqa: N815  (the library's name)
    _after_goodbye = 0
    _reading = True

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  (as above)
        """After our close frame only the client's own is worth reading, and it is short."""
        if self.state == self.STATE_CLOSING:
            self._after_goodbye += len(data)
        if self._after_goodbye <= AFTER_GOODBYE_BYTES:
            super().dataReceived(data)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: FBT001, N802, N803
        super().onMessage(payload, isBinary)
        if self._reading and self.application_queue.qsize() >= WAITING_FRAMES:
            self._reading = False
            self.transport.pauseProducing()
            twisted_loop.call_later(READ_AGAIN_SECONDS, self._read_again)

    def _read_again(self) -> None:
        if self.application_queue.empty() or self.state != self.STATE_OPEN:
            self._reading = True
            self.transport.resumeProducing()
        else:
            twisted_loop.call_later(READ_AGAIN_SECONDS, self._read_again)

    def sendMessage(self, *arguments: object, **options: object) -> None:  # noqa: N802  (as above)
        if self.state != self.STATE_OPEN:  # who is leaving need not hear it; Autobahn would raise
            return
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
            endpoints=[f"tcp:port={port}:interface={escaped}:backlog={KNOCKING}"],
            signal_handlers=False,
            websocket_max_message_size=MAX_FRAME_BYTES,
            websocket_max_frame_size=MAX_FRAME_BYTES,
            application_close_timeout=5,
            server_name="expertline",
        )
        self._drain_seconds = drain_seconds
        self._ready = ready
        self._ports: list[Port] = []
        self._beginning: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._warming_up: asyncio.Task[None] | None = None
        self.failure = ""

    def run(self) -> None:
        """Blocks until stopped. `failure` is a sentence if it could not serve."""
        for number, seconds in ((signal.SIGTERM, self._drain_seconds), (signal.SIGINT, 0.0)):
            twisted_loop.add_signal_handler(number, self._stop, seconds)
        twisted_loop.add_signal_handler(DRAIN_SIGNAL, self._drain)
        super().run()
        signal.signal(DRAIN_SIGNAL, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):  # what still hangs now may be ended
            signal.signal(number, signal.SIG_DFL)

    def listen_success(self, port: Port) -> None:
        super().listen_success(port)
        self._ports.append(port)
        self._beginning = twisted_loop.create_task(self._begin())
        self._beginning.add_done_callback(self._begun)

    def listen_error(self, failure: Failure) -> None:
        self.failure = f"{failure.getErrorMessage()} Set HOST and PORT to what is free here."
        self.stop()

    async def _begin(self) -> None:
        """Start what runs beside the requests: Daphne knows no ASGI lifespan."""
        self.http_factory.timeOut = settings.HTTP_IDLE_SECONDS
        self.ws_factory.protocol = ChatProtocol
        self.ws_factory.setProtocolOptions(
            failByDrop=False,  # say 1009 instead of vanishing
            closeHandshakeTimeout=CLOSING_SECONDS,
            allowNullOrigin=True,  # else reset by this call; ExactOrigin is who refuses, with 403
        )
        generation().begin()
        self._warming_up = twisted_loop.create_task(warm_up())
        self._ready()

    async def _end(self) -> None:
        """Stop what `_begin` has started, when no turn and no request needs it any more."""
        if self._warming_up:
            self._warming_up.cancel()
        await generation().close()

    def _begun(self, beginning: asyncio.Task[None]) -> None:
        if not beginning.cancelled() and (error := beginning.exception()):
            logger.error("the start failed", exc_info=error)
            self.failure = "The server could not start. Its log says where."
            self.stop()

    def _drain(self) -> None:
        if self._stopping is None:
            self._stop(self._drain_seconds)

    def _stop(self, seconds: float) -> None:
        """Stop gently within `seconds`; a second call cuts the first one short."""
        if self._stopping is not None:
            self._stopping.cancel()
            seconds = 0.0
        self._stopping = twisted_loop.create_task(self._stop_gently(seconds))
        self._stopping.add_done_callback(self._stopped)

    def _stopped(self, stopping: asyncio.Task[None]) -> None:
        """Whatever went wrong on the way, the process ends."""
        if stopping is not self._stopping:
            return  # it was cut short
        if not stopping.cancelled() and (error := stopping.exception()):
            logger.error("the drain failed", exc_info=error)
        self.stop()

    async def _stop_gently(self, seconds: float) -> None:
        turns = generation()
        turns.draining = True
        for port in self._ports:
            port.numberAccepts = KNOCKING
            # Those who have knocked are let in first: closing would cut them off.
            port.doRead()  # type: ignore[no-untyped-call]
            port.stopListening()  # type: ignore[no-untyped-call]
        await say_goodbye_to_all(within_seconds=min(GOODBYE_SECONDS, seconds))
        await asyncio.gather(turns.drain(seconds), self._answer_requests(seconds))
        await self._part(min(CLOSING_SECONDS, seconds))
        await self._end()

    async def _answer_requests(self, seconds: float) -> None:
        """Wait for the answers over HTTP that have begun, replies of /v1 and /api/python too."""
        answers = self._applications(WebRequest)
        if answers and seconds:
            await asyncio.wait(answers, timeout=seconds)
            await asyncio.sleep(FLUSH_SECONDS)

    async def _part(self, seconds: float) -> None:
        """Wait for the sockets that are closing: the end of the process would cut them off."""
        sockets = self._applications(WebSocketProtocol)
        if sockets and seconds:
            await asyncio.wait(sockets, timeout=seconds)

    def _applications(self, kind: type[object]) -> list[asyncio.Task[None]]:
        """What answers the connections of a kind, until they are closed."""
        return [
            connection["application_instance"]
            for protocol, connection in self.connections.items()
            if isinstance(protocol, kind) and "application_instance" in connection
        ]
