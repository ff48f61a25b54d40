"""On which other sites the chat may stand."""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from chat.models import WidgetOrigin

ORIGIN = re.compile(r"https?://(?:[a-z0-9-]+\.)*[a-z0-9-]+(?::\d{1,5})?", re.ASCII)
USUAL_PORTS = {"http": 80, "https": 443}


def allowed_origins() -> list[str]:
    return list(WidgetOrigin.objects.values_list("origin", flat=True))


def cleaned_origin(text: str) -> str:
    """As a browser writes it: an address from its bar will do. Raises ValidationError."""
    try:
        parts = urlsplit(text.strip().lower())
        port = parts.port
    except ValueError:
        raise invalid() from None
    usual = port is None or port == USUAL_PORTS.get(parts.scheme)
    host = ascii_host(parts.hostname or "")
    origin = f"{parts.scheme}://{host}" + ("" if usual else f":{port}")
    if parts.username is not None or not ORIGIN.fullmatch(origin):
        raise invalid()
    return origin


def ascii_host(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        raise invalid() from None


def invalid() -> ValidationError:
    return ValidationError(
        _("Write the address of a site, such as https://www.example.org."), code="no_origin"
    )
