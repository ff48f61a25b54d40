"""Server-sent events: bytes as a socket gives them in, whole events out (WHATWG HTML, 9.2)."""

from collections.abc import Iterator
from dataclasses import dataclass

MAX_EVENT_BYTES = 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class OversizedEventError(ValueError):
    """A line, or an event's data, is longer than MAX_EVENT_BYTES."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSentEvent:
    """One event; `name` is empty for the usual kind. `id` and `retry` are not kept."""

    name: bytes
    data: bytes


class EventSplitter:
    """Cuts one stream into events. Lines may end in LF, CRLF or CR, and be cut anywhere."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._after_cr = False
        self._at_start = True
        self._name = b""
        self._data: list[bytes] = []
        self._data_bytes = 0

    def feed(self, data: bytes) -> Iterator[ServerSentEvent]:
        """The events that these bytes complete. Take them all before feeding more."""
        for line in self._lines(data):
            event = self._take(line)
            if event:
                yield event

    def end(self) -> Iterator[ServerSentEvent]:
        """What is left when the stream is over: an event without its blank line, if any."""
        yield from self.feed(b"\n\n")

    def _lines(self, data: bytes) -> Iterator[bytes]:
        if self._after_cr:
            data = data.removeprefix(b"\n")
        if data:
            self._after_cr = data.endswith(b"\r")
        # Of bytes, splitlines cuts at CR and LF only; of text, it would cut JSON at U+2028.
        for line in data.splitlines(keepends=True):
            self._rest += line
            if len(self._rest) > MAX_EVENT_BYTES:
                raise OversizedEventError
            if line.endswith((b"\n", b"\r")):
                whole = bytes(self._rest).rstrip(b"\r\n")
                self._rest.clear()
                yield whole

    def _take(self, line: bytes) -> ServerSentEvent | None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(BYTE_ORDER_MARK)
        if not line:
            return self._whole_event()
        field, _, value = line.partition(b":")
        if field == b"data":
            self._add(value.removeprefix(b" "))
        elif field == b"event":
            self._name = value.removeprefix(b" ")
        return None

    def _add(self, value: bytes) -> None:
        self._data_bytes += len(value)
        if self._data_bytes > MAX_EVENT_BYTES:
            raise OversizedEventError
        self._data.append(value)

    def _whole_event(self) -> ServerSentEvent | None:
        name, data = self._name, self._data
        self._name, self._data, self._data_bytes = b"", [], 0
        return ServerSentEvent(name=name, data=b"\n".join(data)) if data else None
