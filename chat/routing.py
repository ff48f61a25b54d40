"""The socket's address, open only to our own pages, and not to too many from one place."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from channels.routing import URLRouter
from django.conf import settings
from django.urls import path

from chat.consumers import ChatConsumer
from chat.handshake import WIDGET_SOCKET, household_of
from chat.metrics import SOCKETS_REFUSED

Application = Callable[[Any, Any, Any], Awaitable[None]]


class ExactOrigin:
    """Refuses (HTTP 403) a handshake without exactly one Origin of ALLOWED_ORIGINS.

    Channels' own validators let a missing origin in, or look at the host alone.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if len(origins) == 1 and origins[0] in settings.ALLOWED_ORIGINS:
            await self._application(scope, receive, send)
        else:
            await refuse(receive, send, reason="origin")


class SocketsPerAddress:
    """Refuses (HTTP 403) more than CHAT_MAX_SOCKETS_PER_IP at a time of one address."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        household = household_of(scope)
        if self._open[household] >= settings.CHAT_MAX_SOCKETS_PER_IP:
            await refuse(receive, send, reason="address")
            return
        self._open[household] += 1
        try:
            await self._application(scope, receive, send)
        finally:
            self._open[household] -= 1
            if not self._open[household]:
                del self._open[household]


async def refuse(receive: Any, send: Any, *, reason: str) -> None:
    """Close before accepting: the handshake is answered with HTTP 403."""
    SOCKETS_REFUSED.labels(reason=reason).inc()
    await receive()
    await send({"type": "websocket.close"})


chat: Any = ChatConsumer.as_asgi()  # the stubs of path() know HTTP views only
addresses = [path("ws/chat/", chat), path(WIDGET_SOCKET.removeprefix("/"), chat)]
websocket_application = ExactOrigin(SocketsPerAddress(URLRouter(addresses)))
