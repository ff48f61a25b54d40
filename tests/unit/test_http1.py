"""HTTP/1.1 responses from literal bytes: no socket."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.llm.http1.body import ChunkReader, body_reader
from chat.llm.http1.head import MAX_HEAD_BYTES, BadResponseError, HeadReader, ResponseHead

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Empty:\r\n\r\n"
CHUNKED = b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nTrailer: yes\r\n\r\n"
Fields = dict[str, str]


def head_of(*pieces: bytes) -> tuple[ResponseHead, bytes]:
    reader = HeadReader()
    for piece in pieces:
        if found := reader.feed(piece):
            return found
    raise AssertionError("no head")


def head(fields: Fields, *, status: int = 200, minor_version: int = 1) -> ResponseHead:
    return ResponseHead(
        minor_version=minor_version,
        status=status,
        fields=tuple((name.encode(), value.encode()) for name, value in fields.items()),
    )


def cut(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = sorted({0, *(position % (len(data) + 1) for position in cuts), len(data)})
    return [data[start:end] for start, end in pairwise(edges)]


def test_head_is_read_with_what_follows_it() -> None:
    found, rest = head_of(OK + b"data: x")

    assert (found.status, found.minor_version) == (200, 1)
    assert found.fields == ((b"Content-Type", b"text/event-stream"), (b"X-Empty", b""))
    assert rest == b"data: x"


def test_head_may_be_cut_at_any_byte() -> None:
    whole = head_of(OK)

    for position in range(len(OK)):
        assert head_of(OK[:position], OK[position:]) == whole


def test_interim_responses_are_passed_over() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

    assert head_of(interim + OK) == head_of(OK)


def test_lines_may_end_in_lf_alone() -> None:
    assert head_of(OK.replace(b"\r\n", b"\n")) == head_of(OK)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"<html>",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 999 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nName : value\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nName: va\0lue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nName: va\rlue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nName: a\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nName: " + b"x" * MAX_HEAD_BYTES,
        b"HTTP/1.1 200 OK\r\nName: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * (MAX_HEAD_BYTES // 20),
    ],
)
def test_bad_head_is_refused(data: bytes) -> None:
    with pytest.raises(BadResponseError):
        head_of(data)


@given(st.binary())
def test_noise_is_no_head(noise: bytes) -> None:
    reader = HeadReader()
    try:
        assert reader.feed(noise) is None
    except BadResponseError:
        return


@pytest.mark.parametrize(
    ("fields", "minor_version", "kept"),
    [
        ({}, 1, True),
        ({"Connection": "Close"}, 1, False),
        ({"Connection": "x, close"}, 1, False),
        ({}, 0, False),
        ({"Connection": "keep-alive"}, 0, True),
        ({"Transfer-Encoding": "chunked", "Content-Length": "5"}, 1, False),
    ],
)
def test_connection_is_kept_where_both_sides_agree(
    *, fields: Fields, minor_version: int, kept: bool
) -> None:
    assert head(fields, minor_version=minor_version).keeps_alive is kept


@pytest.mark.parametrize(
    ("response", "data", "body", "surplus"),
    [
        (head({"Content-Length": "5"}), b"hello!", b"hello", b"!"),
        (head({"content-length": "5, 5"}), b"hello", b"hello", b""),
        (head({"Transfer-Encoding": "Chunked"}), CHUNKED + b"!", b"hello world", b"!"),
        (
            head({"Transfer-Encoding": "chunked", "Content-Length": "1"}),
            CHUNKED,
            b"hello world",
            b"",
        ),
        (head({"Transfer-Encoding": "chunked"}), b"000\r\n\r\n", b"", b""),
    ],
)
def test_body_ends_where_its_head_says(
    response: ResponseHead, data: bytes, body: bytes, surplus: bytes
) -> None:
    reader = body_reader(response)

    assert reader.feed(data) == body
    assert reader.complete
    assert reader.surplus == surplus


@pytest.mark.parametrize("status", [204, 304])
def test_some_responses_have_no_body(status: int) -> None:
    assert body_reader(head({"Content-Length": "5"}, status=status)).complete
    assert body_reader(head({"Content-Length": "0"})).complete


def test_body_without_a_length_ends_with_the_connection() -> None:
    reader = body_reader(head({}))

    assert reader.feed(b"hello") == b"hello"
    assert not reader.complete
    reader.close()
    assert reader.complete


@pytest.mark.parametrize("fields", [{"Content-Length": "5"}, {"Transfer-Encoding": "chunked"}])
def test_body_that_is_cut_off_is_no_body(fields: Fields) -> None:
    reader = body_reader(head(fields))
    reader.feed(b"4\r\n")

    with pytest.raises(BadResponseError):
        reader.close()


@pytest.mark.parametrize(
    "fields",
    [
        {"Content-Length": "-5"},
        {"Content-Length": "+5"},
        {"Content-Length": "5, 6"},
        {"Content-Length": "9" * 30},
        {"Transfer-Encoding": "gzip, chunked"},
        {"Transfer-Encoding": "chunked, chunked"},
    ],
)
def test_length_that_nobody_can_trust_is_refused(fields: Fields) -> None:
    with pytest.raises(BadResponseError):
        body_reader(head(fields))


def test_chunks_may_be_cut_at_any_byte() -> None:
    for position in range(len(CHUNKED)):
        reader = ChunkReader()
        first, second = reader.feed(CHUNKED[:position]), reader.feed(CHUNKED[position:])

        assert (first + second, reader.complete) == (b"hello world", True)


@given(
    pieces=st.lists(st.binary(min_size=1) | st.sampled_from([b"0\r\n\r\n", b"\r\n"])),
    cuts=st.lists(st.integers(0, 2000)),
)
def test_chunks_may_come_in_any_pieces(pieces: list[bytes], cuts: list[int]) -> None:
    body = b"".join(b"%X \r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    reader = ChunkReader()

    read = b"".join([reader.feed(piece) for piece in cut(body + b"0\r\n\r\n", cuts)])

    assert read == b"".join(pieces)
    assert reader.complete


@pytest.mark.parametrize(
    "data",
    [
        b"+5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"-5\r\nhello\r\n",
        b"5\nhello\r\n",
        b"\r\n",
        b"5\r\nhelloX\r\n",
        b"5\r\nhello\rX",
        b"f" * 16 + b"\r\n",
        b"5;" + b"x" * 5000,
        b"0\r\n" + b"Trailer: x\r\n" * 5000,
    ],
)
def test_bad_chunk_is_refused(data: bytes) -> None:
    with pytest.raises(BadResponseError):
        ChunkReader().feed(data)
