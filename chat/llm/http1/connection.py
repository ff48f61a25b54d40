"""One connection to a server, for one exchange after another."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

READ_BYTES = 64 * 1024


class Receiver(Protocol):
    """Whoever is told what becomes of a request."""

    def received(self, data: bytes) -> None: ...

    def ended(self, error: Exception | None) -> None: ...


class Connection(asyncio.BufferedProtocol):
    """`on_idle` is called when the next request can be sent, `on_lost` when none can any more."""

    def __init__(
        self, *, on_idle: Callable[["Connection"], None], on_lost: Callable[["Connection"], None]
    ) -> None:
        self._on_idle = on_idle
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._paused = False

    @property
    def closed(self) -> bool:
        return self._transport is None

    def send(self, request: bytes, receiver: Receiver) -> None:
        """Sends a whole request; its reply is the receiver's until `release` or `abort`."""
        self._receiver = receiver
        if self._transport is None or self._transport.is_closing():
            receiver.ended(None)
        else:
            self._transport.write(request)

    def release(self) -> None:
        """The reply is over and the next request may be sent."""
        self._receiver = None
        self.resume()
        if self._transport and not self._transport.get_write_buffer_size():
            self._on_idle(self)
        else:
            self.abort()

    def abort(self) -> None:
        """Closes now, whatever is on its way."""
        self._receiver = None
        if self._transport:
            self._transport.abort()

    def pause(self) -> None:
        if self._transport and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport and self._paused:
            self._paused = False
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._receiver:
            self._receiver.received(bytes(self._buffer[:nbytes]))
        else:  # nobody asked for anything
            self.abort()

    def eof_received(self) -> None:
        """Nothing more will come; returning None closes our side too."""

    def connection_lost(self, exc: Exception | None) -> None:
        receiver, self._receiver, self._transport = self._receiver, None, None
        self._on_lost(self)
        if receiver:
            receiver.ended(exc)
