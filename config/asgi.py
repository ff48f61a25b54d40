"""The ASGI application: Django for HTTP, the chat consumer for WebSockets."""

import os

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402  (needs the apps)

from chat.routing import websocket_application  # noqa: E402  (as above)
from config.static_files import StaticFiles  # noqa: E402  (as above)

application = ProtocolTypeRouter(
    {"http": StaticFiles(get_asgi_application()), "websocket": websocket_application}
)
