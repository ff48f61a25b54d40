"""What a client says of itself in the headers of its handshake."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.conf import settings
from django.http import parse_cookie
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from chat.addresses import client_address, household
from chat.visitors import COOKIE, WIDGET_COOKIE

Headers = Iterable[tuple[bytes, bytes]]

WIDGET_SOCKET = "/ws/widget/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    cookie: str | None
    """The session's."""
    language: str
    household: str
    offered: tuple[str, ...]
    """Subprotocols."""

    @classmethod
    def of_scope(cls, scope: Mapping[str, Any]) -> Self:
        widget = scope["path"] == WIDGET_SOCKET
        return cls(
            cookie=session_cookie(scope["headers"], WIDGET_COOKIE if widget else COOKIE),
            language=preferred_language(scope["headers"]),
            household=household_of(scope),
            offered=tuple(scope.get("subprotocols", ())),
        )


def household_of(scope: Mapping[str, Any]) -> str:
    return household(client_address(scope, settings.TRUSTED_PROXIES))


def session_cookie(headers: Headers, name: str) -> str | None:
    """Read as Django reads it, or page and socket would differ."""
    return parse_cookie(header(headers, b"cookie")).get(name)


def preferred_language(headers: Headers) -> str:
    """The language of error sentences: the page's choice, else the browser's."""
    chosen = parse_cookie(header(headers, b"cookie")).get(settings.LANGUAGE_COOKIE_NAME)
    wanted = [chosen] if chosen else []
    accepted = parse_accept_lang_header(header(headers, b"accept-language"))
    for code in (*wanted, *(language for language, _ in accepted)):
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return str(settings.LANGUAGE_CODE)


def header(headers: Headers, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key == name), "")
