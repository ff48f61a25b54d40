"""A transport for the official client that makes many small pieces cheap.

It speaks HTTP/1.1 to the server itself: where a proxy is set, the usual transport is the right one.
"""

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any

import httpx2

from chat.llm.http1.connection import Connection
from chat.llm.http1.reply import NoReplyError, Reply
from chat.llm.http1.request import request_bytes

IDLE_SECONDS = 30.0
SECOND_ADDRESS_SECONDS = 0.25  # RFC 8305: the head start of the first address over the next one
DEFAULT_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


class StreamingTransport(httpx2.AsyncBaseTransport):
    """Has as many connections as requests at a time, and uses idle ones again. For one event loop.

    A response's extension "reply" holds its Reply. Building one reads the authorities'
    certificates, which takes 0.05 s.
    """

    def __init__(self) -> None:
        self._tls = httpx2.create_ssl_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)
        self._open: set[Connection] = set()
        self._expiries: dict[Connection, asyncio.TimerHandle] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        message = await request_bytes(request)
        origin = _origin(request.url)
        idle = self._taken(origin)
        if idle:
            # The server closed it while we wrote, and has not begun to answer (RFC 9112, 9.3.1).
            with suppress(NoReplyError):
                return await _answered(idle, message)
        connection = await self._connected(origin, request)
        try:
            return await _answered(connection, message)
        except NoReplyError as error:
            raise httpx2.RemoteProtocolError("") from error

    async def aclose(self) -> None:
        for connection in tuple(self._open):
            connection.abort()

    def _taken(self, origin: Origin) -> Connection | None:
        """The idle connection that was used last: it is the least likely to be closed."""
        if not self._idle[origin]:
            return None
        connection = self._idle[origin].pop()
        self._expiries.pop(connection).cancel()
        return connection

    async def _connected(self, origin: Origin, request: httpx2.Request) -> Connection:
        scheme, host, port = origin
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("connect")):
                loop = asyncio.get_running_loop()
                # uvloop has its own way with hosts of several addresses, and no such argument.
                standard = isinstance(loop, asyncio.BaseEventLoop)
                delay: Any = {"happy_eyeballs_delay": SECOND_ADDRESS_SECONDS} if standard else {}
                connection: Connection
                _, connection = await loop.create_connection(
                    lambda: Connection(on_idle=partial(self._keep, origin), on_lost=self._forget),
                    host,
                    port,
                    ssl=self._tls if scheme == "https" else None,
                    **delay,
                )
        except TimeoutError as error:
            raise httpx2.ConnectTimeout("") from error
        except OSError as error:
            raise httpx2.ConnectError("") from error
        if not connection.closed:
            self._open.add(connection)
        return connection

    def _keep(self, origin: Origin, connection: Connection) -> None:
        self._idle[origin].append(connection)
        loop = asyncio.get_running_loop()
        self._expiries[connection] = loop.call_later(IDLE_SECONDS, connection.abort)

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        if expiry := self._expiries.pop(connection, None):
            expiry.cancel()
            for idle in self._idle.values():
                if connection in idle:
                    idle.remove(connection)


async def _answered(connection: Connection, message: bytes) -> httpx2.Response:
    reply = Reply(connection)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(reply.aclose)
        connection.send(message, reply)
        head = await reply.head()
        stack.pop_all()
    return httpx2.Response(
        head.status, headers=list(head.fields), stream=reply, extensions={"reply": reply}
    )


def _origin(url: httpx2.URL) -> Origin:
    if url.scheme not in DEFAULT_PORTS:
        raise httpx2.UnsupportedProtocol("")
    return url.scheme, url.raw_host.decode("ascii"), url.port or DEFAULT_PORTS[url.scheme]
