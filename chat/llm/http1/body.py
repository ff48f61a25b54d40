"""The body of an HTTP/1.1 response (RFC 9112, 6.3), of a length, in chunks, or until the close.

Every reader has the same shape: `feed` takes bytes cut anywhere and gives the body's, `complete`
tells that there will be no more, `surplus` is what came after it, and `close` is told that the
server has closed. `feed` and `close` raise BadResponseError.
"""

import re
from typing import Protocol

from chat.llm.http1.head import BadResponseError, ResponseHead

CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
MAX_LINE_BYTES = 4096
MAX_TRAILER_BYTES = 16 * 1024
LENGTH = re.compile(rb"[0-9]{1,15}")
WITHOUT_BODY = (204, 304)


class BodyReader(Protocol):
    complete: bool
    surplus: bytes

    def feed(self, data: bytes) -> bytes: ...

    def close(self) -> None: ...


def body_reader(head: ResponseHead) -> BodyReader:
    """The reader of the body that this head announces, in answer to anything but HEAD."""
    if head.status in WITHOUT_BODY:
        return LengthReader(0)
    coding, lengths = head.values(b"transfer-encoding"), set(head.values(b"content-length"))
    if coding:
        if coding != [b"chunked"]:
            raise BadResponseError
        return ChunkReader()
    if not lengths:
        return OpenEndedReader()
    length = LENGTH.fullmatch(lengths.pop())
    if not length or lengths:
        raise BadResponseError
    return LengthReader(int(length[0]))


class LengthReader:
    def __init__(self, length: int) -> None:
        self._left = length
        self.complete = not length
        self.surplus = b""

    def feed(self, data: bytes) -> bytes:
        body, self.surplus = data[: self._left], data[self._left :]
        self._left -= len(body)
        self.complete = not self._left
        return body

    def close(self) -> None:
        if not self.complete:
            raise BadResponseError


class OpenEndedReader:
    def __init__(self) -> None:
        self.complete = False
        self.surplus = b""

    def feed(self, data: bytes) -> bytes:
        return data

    def close(self) -> None:
        self.complete = True


class ChunkReader:
    """Chunked coding (RFC 9112, 7.1). Extensions and trailers are dropped.

    Streams come as one chunk for each delta: that case is a match and a slice.
    """

    def __init__(self) -> None:
        self.complete = False
        self.surplus = b""
        self._line = b""  # the beginning of a chunk's line, its end or the trailers
        self._left = 0  # bytes of the current chunk that have not come yet
        self._in_chunk = False
        self._in_trailers = False

    def feed(self, data: bytes) -> bytes:
        if self._line:
            data, self._line = self._line + data, b""
        if not (self._in_chunk or self._in_trailers) and (whole := _whole_chunk(data)):
            return whole
        pieces: list[bytes] = []
        position = 0
        while position < len(data) and not self._in_trailers:
            if self._in_chunk:
                position = self._continue_chunk(data, position, pieces)
            else:
                position = self._begin_chunk(data, position, pieces)
        if self._in_trailers:
            self._skip_trailers(data[position:])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        if not self.complete:
            raise BadResponseError

    def _begin_chunk(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        line = CHUNK_LINE.match(data, position)
        if not line:
            return self._keep(data, position)
        size, start = int(line[1], 16), line.end()
        end = start + size
        if size and data.startswith(b"\r\n", end):
            pieces.append(data[start:end])
            return end + 2
        self._in_trailers = not size
        self._in_chunk, self._left = bool(size), size
        return start

    def _continue_chunk(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        if self._left:
            piece = data[position : position + self._left]
            self._left -= len(piece)
            pieces.append(piece)
            return position + len(piece)
        if data.startswith(b"\r\n", position):
            self._in_chunk = False
            return position + 2
        if data[position:] != b"\r":
            raise BadResponseError
        self._line = b"\r"
        return len(data)

    def _keep(self, data: bytes, position: int) -> int:
        rest = data[position:]
        if b"\n" in rest or len(rest) > MAX_LINE_BYTES:
            raise BadResponseError
        self._line = rest
        return len(data)

    def _skip_trailers(self, data: bytes) -> None:
        if data.startswith(b"\r\n"):
            end = 2
        else:
            end = data.find(b"\r\n\r\n") + 4
            if end < 4:  # noqa: PLR2004
                self._line = data
                if len(data) > MAX_TRAILER_BYTES:
                    raise BadResponseError
                return
        self.complete, self.surplus = True, data[end:]


def _whole_chunk(data: bytes) -> bytes:
    """The content of the one chunk that this is, if it is."""
    line = CHUNK_LINE.match(data)
    if not line or len(data) != line.end() + int(line[1], 16) + 2 or not data.endswith(b"\r\n"):
        return b""
    return data[line.end() : -2]
