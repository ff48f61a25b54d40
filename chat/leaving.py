"""Where a link leads, as it must be shown before somebody follows it.

What is shown is what a browser would ask for: a host in Unicode can look like another one, so that
it is told in its ASCII form, and whatever browsers read in a way of their own is refused.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import idna

MOST_CHARACTERS = 2_000
ODD = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029]|[\ud800-\udfff]")
"""Browsers drop some of these, and take a backslash for a slash."""
LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
HOST = re.compile(rf"(?:{LABEL}\.)*{LABEL}\.?|\[[0-9a-f:.]{{2,45}}\]")
SAFE = "/?#%:@!$&'()*+,;=-._~[]"


class BadAddressError(ValueError):
    """No address of the web, or one that says something else than it seems to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    host: str
    address: str


def destination(address: str) -> Destination:
    """Raises BadAddressError."""
    if len(address) > MOST_CHARACTERS or ODD.search(address):
        raise BadAddressError
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise BadAddressError from None
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        raise BadAddressError
    host = ascii_host(parts.hostname or "", bracketed="[" in parts.netloc)
    place = host if port is None else f"{host}:{port}"
    rest = parts._replace(scheme="", netloc="").geturl()
    return Destination(host=host, address=f"{parts.scheme}://{place}{quote(rest, safe=SAFE)}")


def ascii_host(host: str, *, bracketed: bool) -> str:
    """Raises BadAddressError."""
    try:
        name = f"[{host}]" if bracketed else host
        name = name if name.isascii() else idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        raise BadAddressError from None
    if not HOST.fullmatch(name):
        raise BadAddressError
    return name
