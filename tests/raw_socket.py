"""A WebSocket by hand: sends whatever bytes it is told to, and reads only when it is told to."""

import asyncio
import base64
import json
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.chat_client import LIMIT_SECONDS, PROTOCOL, Visitor
from tests.chat_reply import Frame
from tests.serving import ChatServer

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
DROPPED = 1006
MASK = b"\x00\x00\x00\x00"  # a mask that changes nothing is a mask, too


class RefusedError(Exception):
    """The handshake was answered with HTTP 403."""


def frame(
    payload: bytes, *, opcode: int = TEXT, fin: bool = True, masked: bool = True, rsv: int = 0
) -> bytes:
    """One frame of RFC 6455."""
    return header(len(payload), opcode=opcode, fin=fin, masked=masked, rsv=rsv) + payload


def header(
    length: int, *, opcode: int = TEXT, fin: bool = True, masked: bool = True, rsv: int = 0
) -> bytes:
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    mask_bit = 0x80 if masked else 0
    if length < 126:
        start = struct.pack("!BB", first, mask_bit | length)
    elif length < 2**16:
        start = struct.pack("!BBH", first, mask_bit | 126, length)
    else:
        start = struct.pack("!BBQ", first, mask_bit | 127, length)
    return start + (MASK if masked else b"")


class RawSocket:
    """Connected while the `async with` block runs."""

    def __init__(
        self,
        server: ChatServer,
        *,
        visitor: Visitor | None = None,
        headers: Iterable[str] = (),
        receive_buffer: int | None = None,
    ) -> None:
        self._server = server
        self._headers = [*headers, *([f"Cookie: {visitor.cookie}"] if visitor else [])]
        self._receive_buffer = receive_buffer
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.frames: list[Frame] = []
        self.received = 0

    async def __aenter__(self) -> Self:
        connection = socket.socket()
        if self._receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        connection.setblocking(False)  # noqa: FBT003  (the standard library's own form)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self._server.port))
        limit = self._receive_buffer or 2**16
        self._connection = await asyncio.open_connection(sock=connection, limit=limit)
        try:
            await self._shake_hands()
        except BaseException:
            await self.abort()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.abort()

    async def abort(self) -> None:
        """Lose the connection, if there is one."""
        if self._connection:
            self._connection[1].transport.abort()

    async def send(self, data: bytes) -> None:
        """Bytes, as they are. A connection that ends meanwhile is no error."""
        with suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def say(self, command: Frame) -> None:
        await self.send(frame(json.dumps(command).encode()))

    async def close_code(self, seconds: float = LIMIT_SECONDS) -> int:
        """Read to the end; the code of the server's close frame, or DROPPED without one."""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    opcode, payload = await self._read_frame()
                except (ConnectionError, asyncio.IncompleteReadError):
                    return DROPPED
                if opcode == CLOSE:
                    code: int = struct.unpack("!H", payload[:2])[0]
                    return code
                self._note(opcode, payload)

    async def until(self, kind: str) -> Frame:
        """Read until a frame of this type comes."""
        while (await self.next())["type"] != kind:
            pass
        return self.frames[-1]

    async def next(self) -> Frame:
        """The next frame that comes."""
        async with asyncio.timeout(LIMIT_SECONDS):
            self._note(*await self._read_frame())
        return self.frames[-1]

    def all_of(self, kind: str) -> list[Frame]:
        return [each for each in self.frames if each["type"] == kind]

    def _note(self, opcode: int, payload: bytes) -> None:
        self.received += len(payload)
        if opcode == TEXT:
            self.frames.append(json.loads(payload))

    @property
    def _reader(self) -> asyncio.StreamReader:
        assert self._connection
        return self._connection[0]

    @property
    def _writer(self) -> asyncio.StreamWriter:
        assert self._connection
        return self._connection[1]

    async def _shake_hands(self) -> None:
        self._writer.write(request(self._server, self._headers))
        async with asyncio.timeout(LIMIT_SECONDS):
            answer = await self._reader.readuntil(b"\r\n\r\n")
        if answer.startswith(b"HTTP/1.1 403"):
            raise RefusedError
        assert answer.startswith(b"HTTP/1.1 101"), answer

    async def _read_frame(self) -> tuple[int, bytes]:
        first, length = await self._reader.readexactly(2)
        if length == 126:
            (length,) = struct.unpack("!H", await self._reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
        return first & 0x0F, await self._reader.readexactly(length)


def request(server: ChatServer, headers: Iterable[str] = ()) -> bytes:
    """A handshake; `headers` stand beside those that it needs."""
    return "\r\n".join(request_lines(server, headers)).encode("latin-1") + b"\r\n\r\n"


def request_lines(server: ChatServer, headers: Iterable[str]) -> Iterator[str]:
    yield "GET /ws/chat/ HTTP/1.1"
    yield f"Host: 127.0.0.1:{server.port}"
    yield "Upgrade: websocket"
    yield "Connection: Upgrade"
    yield f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"
    yield "Sec-WebSocket-Version: 13"
    yield f"Sec-WebSocket-Protocol: {PROTOCOL}"
    if not any(each.lower().startswith("origin:") for each in headers):
        yield f"Origin: {server.url}"
    yield from headers
