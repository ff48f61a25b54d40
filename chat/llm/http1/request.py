"""An HTTP/1.1 request as bytes, which the official client has filled in."""

import re

import httpx2

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
VALUE = re.compile(rb"[^\0\r\n]*")
TARGET = re.compile(rb"[\x21-\x7e]+")


async def request_bytes(request: httpx2.Request) -> bytes:
    """Raises httpx2.LocalProtocolError for what would end a line, such as a key with a line end."""
    fields = request.headers.raw
    target = request.url.raw_path
    whole = TARGET.fullmatch(target) and all(
        TOKEN.fullmatch(name) and VALUE.fullmatch(value) for name, value in fields
    )
    if not whole:
        raise httpx2.LocalProtocolError("")
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), target)]
    lines += [b"%b: %b" % field for field in fields]
    return b"\r\n".join([*lines, b"", await request.aread()])
