"""The head of an HTTP/1.1 response (RFC 9112): bytes as a socket gives them in, a value out."""

import re
from dataclasses import dataclass

MAX_HEAD_BYTES = 64 * 1024
HTTP_1 = b"HTTP/1."
END = re.compile(rb"\r?\n\r?\n")
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\r\n\0]*)?")
FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\r\n\0]*)")
SWITCHING_PROTOCOLS = 101


class BadResponseError(ValueError):
    """The bytes are no HTTP/1.1 response, or exceed a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """`minor_version` is the 1 of HTTP/1.1."""

    minor_version: int
    status: int
    fields: tuple[tuple[bytes, bytes], ...]

    def values(self, name: bytes) -> list[bytes]:
        """The members of a field's comma-separated lists, in lower case."""
        lists = [value for key, value in self.fields if key.lower() == name]
        members = [member.strip().lower() for value in lists for member in value.split(b",")]
        return [member for member in members if member]

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection can be used again once the body is over."""
        if self.values(b"transfer-encoding") and self.values(b"content-length"):
            return False  # two lengths: somebody between us and the server may believe the other
        options = self.values(b"connection")
        return b"close" not in options and (self.minor_version > 0 or b"keep-alive" in options)


class HeadReader:
    """Reads one head, over interim responses (100, 103) if there are any."""

    def __init__(self) -> None:
        self._read = bytearray()
        self._interim_bytes = 0

    def feed(self, data: bytes) -> tuple[ResponseHead, bytes] | None:
        """The head with what follows it, once it is whole. Raises BadResponseError."""
        self._read += data
        while end := END.search(self._read):
            head = _parsed(bytes(self._read[: end.start()]))
            rest = self._read[end.end() :]
            if head.status >= 200:  # noqa: PLR2004
                return head, bytes(rest)
            if head.status == SWITCHING_PROTOCOLS:
                raise BadResponseError
            self._interim_bytes += end.end()
            self._read = rest
        self._check()
        return None

    def _check(self) -> None:
        if not HTTP_1.startswith(self._read[: len(HTTP_1)]):
            raise BadResponseError
        if self._interim_bytes + len(self._read) > MAX_HEAD_BYTES:
            raise BadResponseError


def _parsed(head: bytes) -> ResponseHead:
    status_line, *lines = re.split(rb"\r?\n", head)
    status = STATUS_LINE.fullmatch(status_line)
    fields = [FIELD.fullmatch(line) for line in lines]
    if not status or not all(fields) or len(head) > MAX_HEAD_BYTES:
        raise BadResponseError
    return ResponseHead(
        minor_version=int(status[1]),
        status=int(status[2]),
        fields=tuple((field[1], field[2].strip(b" \t")) for field in fields if field),
    )
