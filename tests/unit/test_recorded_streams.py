"""Recorded replies give the same events however their bytes are cut, by every way of reading."""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.llm.chunks import ChunkDecoder
from chat.llm.http1.body import ChunkReader
from chat.llm.pattern import TextPattern
from chat.turn.language_model import ModelEvent, UpstreamError
from tests.model_events import merged
from tests.replay_server import RECORDINGS, recorded

CUTS = st.lists(st.integers(0, 8000), max_size=40)


def streams() -> dict[str, bytes]:
    """The bodies of all recorded replies that are event streams."""
    names = [str(path.relative_to(RECORDINGS).with_suffix("")) for path in RECORDINGS.rglob("*.*")]
    replies = {name: recorded(name).partition(b"\r\n\r\n") for name in sorted(names)}
    return {name: body for name, (head, _, body) in replies.items() if b"event-stream" in head}


STREAMS = streams()
NAMES = st.sampled_from(list(STREAMS))
RICHEST = ("tool_call", "parallel_calls", "reasoning")


def events_of(pieces: Iterable[bytes]) -> list[ModelEvent | str]:
    decoder = ChunkDecoder()
    events: list[ModelEvent | str] = []
    try:
        for piece in pieces:
            for event in decoder.feed(piece):
                events.append(event)
        events.extend(decoder.end())
    except UpstreamError as error:
        events.append(error.code)
    return merged(events)


def cut(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = sorted({0, *(position % (len(data) + 1) for position in cuts), len(data)})
    return [data[start:end] for start, end in pairwise(edges)]


def byte_by_byte(stream: bytes) -> list[ModelEvent | str]:
    """The reference: no shortcut is taken where no two bytes come together."""
    return events_of(stream[position : position + 1] for position in range(len(stream)))


EXPECTED = {name: byte_by_byte(stream) for name, stream in STREAMS.items()}


def event_by_event(stream: bytes) -> list[bytes]:
    """As servers send them."""
    return [event + b"\n\n" for event in stream.split(b"\n\n")]


@pytest.mark.parametrize("name", [name for name in STREAMS if name.endswith(RICHEST)])
def test_stream_may_be_cut_in_two_at_any_byte(name: str) -> None:
    stream = STREAMS[name]

    for position in range(len(stream)):
        assert events_of([stream[:position], stream[position:]]) == EXPECTED[name]


@pytest.mark.parametrize("name", STREAMS)
def test_stream_may_come_event_by_event(name: str) -> None:
    assert events_of(event_by_event(STREAMS[name])) == EXPECTED[name]


@given(name=NAMES, cuts=CUTS)
def test_stream_may_come_in_any_pieces(name: str, cuts: list[int]) -> None:
    assert events_of(cut(STREAMS[name], cuts)) == EXPECTED[name]


@given(name=NAMES, cuts=CUTS)
def test_lines_may_end_in_cr_lf(name: str, cuts: list[int]) -> None:
    stream = STREAMS[name].replace(b"\n", b"\r\n")

    assert events_of(cut(stream, cuts)) == EXPECTED[name]


@given(name=NAMES, cuts=CUTS)
def test_characters_may_be_escaped(name: str, cuts: list[int]) -> None:
    lines = STREAMS[name].decode().split("\n")
    stream = "\n".join(escaped(line) for line in lines).encode()

    assert events_of(cut(stream, cuts)) == EXPECTED[name]


def escaped(line: str) -> str:
    return line.encode("ascii", "replace").decode() if line.startswith(":") else ascii_json(line)


def ascii_json(line: str) -> str:
    try:
        value = json.loads(line.removeprefix("data: "))
    except ValueError:
        return line
    return "data: " + json.dumps(value)


@given(name=NAMES, chunks=CUTS, reads=CUTS)
def test_stream_may_come_in_any_chunks(name: str, chunks: list[int], reads: list[int]) -> None:
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in cut(STREAMS[name], chunks))
    reader = ChunkReader()

    pieces = [reader.feed(piece) for piece in cut(body + b"0\r\n\r\n", reads)]

    assert reader.complete
    assert events_of(pieces) == EXPECTED[name]


TEXTS = st.lists(st.text(st.characters(codec="utf-8")) | st.sampled_from(['"', "\\", "a", ""]))


@given(before=st.text(), texts=TEXTS, groups=CUTS, ascii_only=st.booleans())
def test_pattern_reads_what_a_parser_reads(
    *, before: str, texts: Sequence[str], groups: list[int], ascii_only: bool
) -> None:
    chunks = [chunk(before, text, ascii_only=ascii_only) for text in ["first", *texts]]
    grouped = [
        b"".join(chunks[start:end])
        for start, end in pairwise(sorted({0, *(at % len(chunks) for at in groups), len(chunks)}))
    ]

    assert events_of(grouped) == byte_by_byte(b"".join(chunks))


def chunk(before: str, text: str, *, ascii_only: bool) -> bytes:
    choice = {"index": 0, "delta": {"role": before, "content": text}, "finish_reason": None}
    value = {"id": before, "choices": [choice], "usage": None, "model": text[:0]}
    return b"data: %b\n\n" % json.dumps(value, ensure_ascii=ascii_only).encode()


def test_pattern_is_learnt_and_used() -> None:
    pattern = TextPattern()
    first, second = (chunk("m", text, ascii_only=False) for text in ("一", "二"))

    pattern.learn(first[len("data: ") :].rstrip(), "一")

    assert pattern.text_in(second + first) == "二一"


@pytest.mark.parametrize(
    "event",
    [
        b'{"id":"hi","choices":[{"delta":{"content":"\\u0068i"}}]}',
        b'{"choices":[{"delta":{"content":"hi"}},{"delta":{}}]}',
        b'{"choices":[{"delta":{"role":"hi","content":"hi"}}]}',
        b'{"choices":[{"delta":{"content":\n"hi"}}]}',
    ],
)
def test_pattern_is_not_learnt_from_what_may_mean_something_else(event: bytes) -> None:
    pattern = TextPattern()

    pattern.learn(event, "hi")

    assert pattern.text_in(b"data: %b\n\n" % event) is None


@pytest.mark.parametrize("text", [b'a"b', b"a\\nb", b"a\nb", b"\xff", b"a\0b", b"a\tb"])
def test_text_that_json_would_escape_is_left_to_the_parser(text: bytes) -> None:
    pattern = TextPattern()
    event = chunk("m", "first", ascii_only=False)
    pattern.learn(event[len("data: ") :].rstrip(), "first")

    assert pattern.text_in(event.replace(b"first", text)) is None
