"""The OpenAI wire format, from literal bytes: no socket, no client."""

import json
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.llm.chunks import ChunkDecoder
from chat.llm.sse import MAX_EVENT_BYTES
from chat.turn.events import JsonValue, TextDelta
from chat.turn.language_model import (
    ModelEvent,
    RoundFinished,
    RoundUsage,
    ToolCallDelta,
    UpstreamError,
)
from tests.model_events import merged

STOP = RoundFinished(reason="stop")
FINISH = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
HELLO = b'data: {"choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":null}]}\n\n'

OPENAI = (
    'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":'
    '{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],'
    '"usage":null}\n\n'
    'data: {"id":"c","choices":[{"index":0,"delta":{"content":"你好"},"finish_reason":null}]}\n\n'
    'data: {"id":"c","choices":[{"index":0,"delta":{"content":"!\\u2028"},"finish_reason":null}]}'
    '\n\ndata: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    'data: {"id":"c","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}\n\n'
    "data: [DONE]\n\n"
).encode()

DEEPSEEK = (
    "\ufeff: keep-alive\r\n\r\n"
    'data: {"choices":[{"delta":{"content":null,"reasoning_content":"Hmm"}}]}\r\n\r\n'
    'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"call_0","type":"function",'
    '"function":{"name":"search","arguments":""}}]}}]}\r\n\r\n'
    'data: {"choices":[{"delta":{"tool_calls":[{"index":0,\r\ndata: "function":'
    '{"arguments":"{\\"question\\": \\"撞头\\"}"}}]}}]}\r\n\r\n'
    'data: {"choices":[{"delta":{"content":""},"finish_reason":"tool_calls"}],'
    '"usage":{"prompt_tokens":5,"completion_tokens":4}}\r\n\r\n'
    "data: [DONE]\r\n\r\n"
).encode()

LEGACY = (
    b'event: message\rdata:{"choices":[{"delta":{"function_call":{"name":"search"}}}]}\r\r'
    b'data:{"choices":[{"delta":\rdata:{"function_call":{"arguments":"{}"}}}]}\r\r'
    b'data:{"choices":[{"delta":null,"finish_reason":"function_call"}]}\r\r'
)

CUT_OFF = HELLO + b'data: {"choices":[{"delta":{"content":"wor'
BROKEN = HELLO + b'data: {"choices":[{\n\n' + FINISH
FAILED = HELLO + b'data: {"error":{"message":"secret","code":500}}\n\n'

RECORDED: dict[bytes, list[ModelEvent | str]] = {
    OPENAI: [
        TextDelta(text="你好!\u2028"),
        RoundUsage(input_tokens=9, output_tokens=2),
        STOP,
    ],
    DEEPSEEK: [
        ToolCallDelta(index=0, id="call_0", name="search"),
        ToolCallDelta(index=0, arguments='{"question": "撞头"}'),
        RoundUsage(input_tokens=5, output_tokens=4),
        RoundFinished(reason="tool_calls", reasoning="Hmm"),
    ],
    LEGACY: [
        ToolCallDelta(index=0, name="search"),
        ToolCallDelta(index=0, arguments="{}"),
        RoundFinished(reason="tool_calls"),
    ],
    CUT_OFF: [TextDelta(text="hello"), "upstream_truncated"],
    BROKEN: [TextDelta(text="hello"), "upstream_malformed"],
    FAILED: [TextDelta(text="hello"), "upstream_error"],
}
recorded = pytest.mark.parametrize("stream", RECORDED, ids=range(len(RECORDED)))


def decoded(*pieces: bytes) -> list[ModelEvent | str]:
    """The events of one reply, adjacent text in one; a failure's code stands last."""
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


def chunk(delta: JsonValue, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: %b\n\n" % json.dumps({"choices": [choice]}).encode()


def tool_call(**fragment: JsonValue) -> bytes:
    return chunk({"tool_calls": [fragment]})


def text_of(events: Iterable[ModelEvent | str]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@recorded
def test_recorded_stream_gives_its_events(stream: bytes) -> None:
    assert decoded(stream) == RECORDED[stream]


@recorded
def test_stream_may_be_cut_at_any_byte(stream: bytes) -> None:
    for position in range(len(stream) + 1):
        assert decoded(stream[:position], stream[position:]) == RECORDED[stream]


@given(stream=st.sampled_from(list(RECORDED)), cuts=st.sets(st.integers(0, 700)))
def test_stream_may_come_in_any_number_of_pieces(stream: bytes, cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges)]

    assert decoded(*pieces) == RECORDED[stream]


@given(st.binary())
def test_noise_ends_in_a_known_failure(noise: bytes) -> None:
    assert decoded(noise)[-1] in {"upstream_malformed", "upstream_truncated"}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_json_of_any_shape_ends_in_a_known_failure(value: JsonValue) -> None:
    payload = json.dumps(value).encode()

    assert str(decoded(b"data: " + payload + b"\n\n")[-1]).startswith("upstream_")


@pytest.mark.parametrize("value", ["5", '"text"', "true", "[]", "[5]", "[[]]", '{"a":5}', "[null]"])
@pytest.mark.parametrize(
    "shape",
    [
        '{"choices":%s}',
        '{"usage":%s}',
        '{"usage":{"prompt_tokens":%s,"completion_tokens":1}}',
        '{"choices":[{"delta":%s}]}',
        '{"choices":[{"finish_reason":%s}]}',
        '{"choices":[{"delta":{"content":%s}}]}',
        '{"choices":[{"delta":{"reasoning_content":%s}}]}',
        '{"choices":[{"delta":{"function_call":%s}}]}',
        '{"choices":[{"delta":{"tool_calls":%s}}]}',
        '{"choices":[{"delta":{"tool_calls":[{"id":%s}]}}]}',
        '{"choices":[{"delta":{"tool_calls":[{"index":%s}]}}]}',
        '{"choices":[{"delta":{"tool_calls":[{"function":%s}]}}]}',
        '{"choices":[{"delta":{"tool_calls":[{"function":{"name":%s}}]}}]}',
        '{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":%s}}]}}]}',
    ],
)
def test_field_of_any_shape_raises_nothing_else(shape: str, value: str) -> None:
    end = decoded(b"data: " + (shape % value).encode() + b"\n\n", FINISH)[-1]

    assert end == "upstream_malformed" or isinstance(end, RoundFinished)


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (b"", "upstream_truncated"),
        (HELLO, "upstream_truncated"),
        (b"data: [DONE]\n\n", "upstream_truncated"),
        (HELLO + b"data: [DONE]\n\n" + FINISH, "upstream_truncated"),
        (b"data: 5\n\n", "upstream_malformed"),
        (b'data: "text"\n\n', "upstream_malformed"),
        (b'data: {"choices":[{"delta":{"content":5}}]}\n\n', "upstream_malformed"),
        (b'data: {"choices":{"delta":{}}}\n\n', "upstream_malformed"),
        (b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n', "upstream_malformed"),
        (b'data: {"choices":[{"delta":{"content":"\xed\xa0\x80"}}]}\n\n', "upstream_malformed"),
        (b"data: " + b"[" * 100_000 + b"\n\n", "upstream_malformed"),
        (b"event: error\ndata: overloaded\n\n", "upstream_error"),
        (b'data: {"choices":[{"delta":{},"finish_reason":"error"}]}\n\n', "upstream_error"),
    ],
)
def test_bad_stream_fails_with_its_code(stream: bytes, code: str) -> None:
    assert decoded(stream)[-1] == code


def test_last_event_counts_without_its_blank_line() -> None:
    assert decoded(HELLO + FINISH.rstrip(b"\n"))[-1] == STOP


def test_what_follows_done_is_ignored() -> None:
    assert decoded(FINISH + b"data: [DONE]\n\n" + HELLO + b"data: {\n\n") == [STOP]


def test_megabyte_in_one_delta_is_read() -> None:
    text = "x" * 1_000_000

    assert decoded(chunk({"content": text}), FINISH) == [TextDelta(text=text), STOP]


@pytest.mark.parametrize("prefix", [b"data: ", b": ", b""])
def test_endless_line_is_cut_off(prefix: bytes) -> None:
    block = b"x" * 65_536

    assert decoded(prefix, *[block] * (MAX_EVENT_BYTES // 65_536 + 1)) == ["upstream_malformed"]


def test_endless_event_is_cut_off() -> None:
    line = b"data: " + b"x" * 65_536 + b"\n"

    assert decoded(*[line] * (MAX_EVENT_BYTES // 65_536 + 1)) == ["upstream_malformed"]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
    ],
)
def test_finish_reason_is_one_of_four(reason: str, finish: str) -> None:
    [event] = decoded(chunk({}, reason))

    assert isinstance(event, RoundFinished)
    assert event.reason == finish


def test_stop_after_a_tool_call_is_a_tool_call() -> None:
    stream = tool_call(function={"name": "search", "arguments": "{}"}) + FINISH

    assert decoded(stream)[-1] == RoundFinished(reason="tool_calls")


def test_text_that_comes_together_is_one_delta() -> None:
    decoder = ChunkDecoder()
    words = [chunk({"content": word}) for word in ("a", "b", "c")]

    together = list(decoder.feed(words[0] + words[1]))

    assert together == [TextDelta(text="ab")]
    assert list(decoder.feed(words[2])) == [TextDelta(text="c")]


def test_text_before_and_after_a_tool_call_keeps_its_place() -> None:
    call = ToolCallDelta(index=0, id="a")
    stream = chunk({"content": "a"}) + tool_call(index=0, id="a") + chunk({"content": "b"})

    events = decoded(stream + FINISH)

    assert events[:3] == [TextDelta(text="a"), call, TextDelta(text="b")]


def test_only_the_first_of_several_choices_is_the_reply() -> None:
    both = (
        b'data: {"choices":[{"index":1,"delta":{"content":"B"},"finish_reason":"length"},%b]}\n\n'
    )
    first = b'{"index":0,"delta":{"content":"A"}}'
    alone = both.replace(b",%b", b"")

    assert decoded(both % first, alone, FINISH) == [TextDelta(text="A"), STOP]


def test_list_of_parts_is_read_without_its_thoughts() -> None:
    parts: JsonValue = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hmm"}]},
        {"type": "text", "text": "yes"},
    ]

    assert decoded(chunk({"content": parts}), FINISH) == [TextDelta(text="yes"), STOP]


def test_call_told_in_both_forms_is_one_call() -> None:
    function: JsonValue = {"name": "s", "arguments": "{}"}
    both: JsonValue = {"tool_calls": [{"index": 0, "function": function}]}

    events = decoded(chunk({**both, "function_call": function}), FINISH)  # type: ignore[dict-item]

    assert events[0] == ToolCallDelta(index=0, name="s", arguments="{}")
    assert len(events) == 2


def test_usage_may_stand_in_the_choice_that_ends() -> None:
    usage = b'{"prompt_tokens":3,"completion_tokens":4}'
    end = b'data: {"choices":[{"delta":{},"finish_reason":"stop","usage":%b}]}\n\n' % usage

    assert decoded(end) == [RoundUsage(input_tokens=3, output_tokens=4), STOP]


@pytest.mark.parametrize("tokens", [-1, 10**30])
def test_usage_that_nobody_can_store_is_not_told(tokens: int) -> None:
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":4}}\n\n' % tokens

    assert decoded(usage, FINISH) == [STOP]


def test_empty_event_is_no_chunk() -> None:
    assert decoded(b"data:\n\ndata: \n\n", FINISH) == [STOP]


def test_reply_that_nobody_waits_for_is_cut_short() -> None:
    decoder = ChunkDecoder()
    list(decoder.feed(HELLO))

    assert list(decoder.cut_short()) == [RoundFinished(reason="length")]
    assert decoder.spoken
    assert not decoder.called


def test_repeated_finish_reason_and_usage_are_told_once() -> None:
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":2}}\n\n'

    events = decoded(usage % 1, FINISH, usage % 7, FINISH)

    assert events == [RoundUsage(input_tokens=7, output_tokens=2), STOP]


@pytest.mark.parametrize(
    ("fragment", "delta"),
    [
        ({"index": 1, "id": "a"}, ToolCallDelta(index=1, id="a")),
        ({"id": "a", "function": None}, ToolCallDelta(index=None, id="a")),
        (
            {"index": None, "id": None, "function": {"name": "s", "arguments": None}},
            ToolCallDelta(index=None, name="s"),
        ),
        (
            {"index": 0, "id": "", "function": {"name": "", "arguments": "{"}},
            ToolCallDelta(index=0, arguments="{"),
        ),
        (
            {"function": {"name": "s", "arguments": {"question": "q"}}},
            ToolCallDelta(index=None, name="s", arguments='{"question": "q"}'),
        ),
    ],
)
def test_fragment_of_a_tool_call_is_passed_on_as_it_came(
    fragment: dict[str, JsonValue], delta: ToolCallDelta
) -> None:
    assert decoded(tool_call(**fragment))[0] == delta


def test_empty_deltas_give_nothing() -> None:
    empty: list[JsonValue] = [None, {}, {"role": "assistant"}, {"content": ""}, {"content": None}]
    empty += [{"tool_calls": None}, {"tool_calls": [{"index": 0}]}, {"function_call": None}]

    assert decoded(*[chunk(delta) for delta in empty], FINISH) == [STOP]


def test_only_what_a_model_says_is_progress() -> None:
    decoder = ChunkDecoder()
    silence = b": keep-alive\n\n" + chunk({"role": "assistant"}) + chunk({"content": ""})

    assert list(decoder.feed(silence)) == []
    assert decoder.progress == 0

    assert list(decoder.feed(chunk({"reasoning_content": "Hmm"}))) == []
    assert decoder.progress == 1


def test_emoji_cut_in_two_is_put_together() -> None:
    halves = [chunk({"content": "a\ud83d"}), chunk({"content": "\ude00b"})]

    assert text_of(decoded(*halves)) == "a😀b"


def test_text_that_nobody_can_store_is_replaced() -> None:
    halves = [chunk({"content": "\ude00 \0 \ud83d"}), chunk({"content": "b"})]

    assert text_of(decoded(*halves)) == "\ufffd  \ufffdb"
