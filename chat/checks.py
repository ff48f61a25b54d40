"""Start-up checks of the chat app."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register(deploy=True)
def check_origins(*, app_configs: Sequence[AppConfig] | None, **_: object) -> list[CheckMessage]:
    insecure = [origin for origin in settings.ALLOWED_ORIGINS if origin.startswith("http://")]
    if not insecure and "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Error(
            "ALLOWED_ORIGINS must name https origins, and ALLOWED_HOSTS no wildcard.",
            hint="Set ALLOWED_ORIGINS=https://chat.example.org",
            id="chat.E001",
        )
    ]
