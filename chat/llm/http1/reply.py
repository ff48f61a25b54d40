"""The reply to one request, read as it comes and no further ahead than a little."""

import asyncio
import math
from collections.abc import AsyncIterator

import httpx2

from chat.llm.http1.body import BodyReader, body_reader
from chat.llm.http1.connection import Connection
from chat.llm.http1.doorbell import Doorbell
from chat.llm.http1.head import BadResponseError, HeadReader, ResponseHead

MAX_UNREAD_BYTES = 64 * 1024
MAX_ERROR_BYTES = 64 * 1024
FIRST_ERROR_STATUS = 400


class NoReplyError(Exception):
    """The connection was lost before the first byte of a reply."""


class Reply(httpx2.AsyncByteStream):
    """Raises httpx2's errors. Closing it before its end closes the connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._bell = Doorbell()
        self._head_reader = HeadReader()
        self._head: ResponseHead | None = None
        self._body: BodyReader | None = None
        self._unread: list[bytes] = []
        self._unread_bytes = 0
        self._begun = False
        self._over = False
        self._failure: Exception | None = None

    async def head(self) -> ResponseHead:
        """Raises NoReplyError where the server said nothing at all."""
        while self._head is None:
            if self._failure:
                raise self._failure
            await self._bell.next_ring(math.inf)
        return self._head

    def wait(self, deadline: float) -> asyncio.Future[None]:
        """Done when there is something to take; TimeoutError at the deadline, in the loop's time.

        A future, not a coroutine: this is awaited for every piece of a stream.
        """
        if self._unread or self._over or self._failure:
            return self._bell.rung()
        return self._bell.next_ring(deadline)

    def taken(self) -> bytes:
        """What has come of the body, after waiting for it; empty at its end."""
        if not self._unread:
            if self._failure:
                raise self._failure
            return b""
        data = self._unread[0] if len(self._unread) == 1 else b"".join(self._unread)
        self._unread.clear()
        self._unread_bytes = 0
        if not self._over:  # else the connection may be another reply's by now
            self._connection.resume()
        return data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """All of the body; of an error no more than its beginning."""
        left = MAX_ERROR_BYTES if self._is_error() else math.inf
        while left > 0:
            await self.wait(math.inf)
            data = self.taken()
            if not data:
                return
            left -= len(data)
            yield data

    async def aclose(self) -> None:
        self._bell.close()
        if not self._over:
            self._over = True
            self._connection.abort()

    def received(self, data: bytes) -> None:
        self._begun = True
        try:
            if self._body is None:
                self._read_head(data)
            else:
                self._read_body(self._body, data)
        except BadResponseError as error:
            self._fail(httpx2.RemoteProtocolError(""), error)

    def ended(self, error: Exception | None) -> None:
        try:
            if self._body and not error:
                self._body.close()
                self._over = True
                self._bell.ring()
            elif self._begun:
                self._fail(httpx2.ReadError(""), error)
            else:
                self._fail(NoReplyError(), error)
        except BadResponseError as cut_off:
            self._fail(httpx2.RemoteProtocolError(""), cut_off)

    def _read_head(self, data: bytes) -> None:
        found = self._head_reader.feed(data)
        if found:
            head, rest = found
            self._body = body_reader(head)
            self._head = head
            self._read_body(self._body, rest)
            self._bell.ring()

    def _read_body(self, body: BodyReader, data: bytes) -> None:
        piece = body.feed(data)
        if piece:
            self._unread.append(piece)
            self._unread_bytes += len(piece)
            if self._unread_bytes >= MAX_UNREAD_BYTES:
                self._connection.pause()
            self._bell.ring()
        if body.complete:
            self._finish(body)

    def _finish(self, body: BodyReader) -> None:
        self._over = True
        if self._head and self._head.keeps_alive and not body.surplus:
            self._connection.release()
        else:
            self._connection.abort()
        self._bell.ring()

    def _fail(self, failure: Exception, cause: Exception | None) -> None:
        failure.__cause__ = cause
        self._failure = failure
        self._connection.abort()
        self._bell.ring()

    def _is_error(self) -> bool:
        return self._head is not None and self._head.status >= FIRST_ERROR_STATUS
