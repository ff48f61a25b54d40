"""The socket's address, open only to our own pages."""

from collections.abc import Awaitable, Callable
from typing import Any

from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.urls import path

from chat.consumers import ChatConsumer

Application = Callable[[Any, Any, Any], Awaitable[None]]


class ExactOrigin:
    """Refuses (HTTP 403) a handshake without exactly one Origin of ALLOWED_ORIGINS.

    Channels' own validators let a missing origin in, or look at the host alone.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        allowed = len(origins) == 1 and origins[0] in settings.ALLOWED_ORIGINS
        chosen = self._application if allowed else WebsocketDenier.as_asgi()
        await chosen(scope, receive, send)


chat_socket: Any = ChatConsumer.as_asgi()  # the stubs of path() know HTTP views only
websocket_application = ExactOrigin(URLRouter([path("ws/chat/", chat_socket)]))
