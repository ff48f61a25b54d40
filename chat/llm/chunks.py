"""Chunks of a streamed chat completion (OpenAI's `chat.completion.chunk`): bytes in, events out.

Only what a turn needs is read, from plain JSON: typed parsing of every chunk is where the official
client spends two thirds of its time. Servers differ; what is known of them is in the comments.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar

from chat.llm.sse import EventSplitter, ServerSentEvent
from chat.turn.events import TextDelta
from chat.turn.language_model import (
    FinishReason,
    ModelEvent,
    RoundFinished,
    RoundUsage,
    ToolCallDelta,
    UpstreamError,
)

T = TypeVar("T")

FINISH_REASONS: dict[str, FinishReason] = {
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
"""Every other reason ("stop", "eos", "end_turn") is a stop."""

FAILED_REASONS = frozenset({"error", "abort", "insufficient_system_resource"})
"""OpenRouter, vLLM and DeepSeek say so when the server gave up."""


class MalformedChunkError(ValueError):
    """A chunk is JSON of another shape than a chat completion's."""


class ChunkDecoder:
    """Decodes one reply: feed it the body's bytes, cut anywhere, then call `end`.

    Text and tool calls come as they arrive. Usage, which some servers repeat in every chunk, and
    the one RoundFinished come last, from `end`. Both raise UpstreamError.

    `progress` rises with everything that shows a model at work, reasoning included, which gives
    no event; `finished` tells that a finish reason came, `done` that [DONE] did.
    """

    def __init__(self) -> None:
        self.progress = 0
        self.done = False
        self._splitter = EventSplitter()
        self._text = TextJoiner()
        self._reason: FinishReason | None = None
        self._usage: RoundUsage | None = None
        self._called = False

    @property
    def finished(self) -> bool:
        return self._reason is not None

    def feed(self, data: bytes) -> Iterator[ModelEvent]:
        """The events that these bytes complete. Take them all before feeding more."""
        try:
            for event in self._splitter.feed(data):
                yield from self._decode(event)
        except (ValueError, RecursionError) as error:
            raise UpstreamError("upstream_malformed") from error

    def end(self) -> Iterator[ModelEvent]:
        """The last events, once the body is over."""
        with suppress(ValueError, RecursionError):  # half an event: the stream was cut off
            for event in self._splitter.end():
                yield from self._decode(event)
        if self._reason is None:
            raise UpstreamError("upstream_truncated")
        if self._usage:
            yield self._usage
        # Ollama and Gemini say "stop" after a tool call.
        called = self._called and self._reason == "stop"
        yield RoundFinished(reason="tool_calls" if called else self._reason)

    def _decode(self, event: ServerSentEvent) -> Iterator[ModelEvent]:
        if self.done:
            return
        if event.data.startswith(b"[DONE]"):
            self.done = True
            self.progress += 1
            return
        if event.name == b"error":
            raise UpstreamError("upstream_error")
        # json.loads would guess UTF-16 from bytes, and let encoded surrogates through.
        chunk = _expected(json.loads(event.data.decode()), dict)
        if chunk.get("error"):
            raise UpstreamError("upstream_error")
        self._read_usage(chunk.get("usage"))
        choices = _expected(chunk.get("choices") or [], list)
        if choices:
            yield from self._read_choice(_expected(choices[0], dict))

    def _read_usage(self, usage: object) -> None:
        match usage:
            case {"prompt_tokens": int(read), "completion_tokens": int(written)}:
                self._usage = RoundUsage(input_tokens=read, output_tokens=written)

    def _read_choice(self, choice: dict[str, object]) -> Iterator[ModelEvent]:
        delta = _expected(choice.get("delta") or {}, dict)
        yield from self._read_text(delta)
        for call in _expected(delta.get("tool_calls") or [], list):
            yield from self._read_tool_call(_expected(call, dict))
        legacy = delta.get("function_call")
        if legacy:
            yield from self._read_function(_expected(legacy, dict), index=0)
        self._read_finish_reason(choice.get("finish_reason"))

    def _read_text(self, delta: dict[str, object]) -> Iterator[ModelEvent]:
        # A reasoning model may think for minutes: that is no silence, and nobody's answer either.
        if delta.get("reasoning_content") or delta.get("reasoning"):
            self.progress += 1
        content = _expected(delta.get("content") or "", str)
        if content:
            self.progress += 1
            text = self._text.add(content)
            if text:
                yield TextDelta(text=text)

    def _read_tool_call(self, call: dict[str, object]) -> Iterator[ModelEvent]:
        index = call.get("index")
        yield from self._read_function(
            _expected(call.get("function") or {}, dict),
            index=index if isinstance(index, int) else None,
            id_=_expected(call.get("id") or "", str),
        )

    def _read_function(
        self, function: dict[str, object], *, index: int | None, id_: str = ""
    ) -> Iterator[ModelEvent]:
        name = _expected(function.get("name") or "", str)
        arguments = function.get("arguments") or ""
        if isinstance(arguments, dict):  # some servers forget to make it text
            arguments = json.dumps(arguments)
        arguments = _expected(arguments, str)
        if id_ or name or arguments:
            self.progress += 1
            self._called = True
            yield ToolCallDelta(
                index=index, id=_storable(id_), name=_storable(name), arguments=_storable(arguments)
            )

    def _read_finish_reason(self, reason: object) -> None:
        reason = _expected(reason or "", str)
        if not reason or self._reason:
            return
        if reason in FAILED_REASONS:
            raise UpstreamError("upstream_error")
        self._reason = FINISH_REASONS.get(reason, "stop")
        self.progress += 1


class TextJoiner:
    """Makes pieces of text safe to store and to send.

    A server that escapes its JSON may cut an emoji into two deltas, each with one half of a
    UTF-16 pair: the first half waits for the second.
    """

    def __init__(self) -> None:
        self._half = ""

    def add(self, piece: str) -> str:
        text = self._half + piece
        self._half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        return _storable(text.removesuffix(self._half))


def _storable(text: str) -> str:
    """Without NUL, which Postgres refuses, and with U+FFFD for half a pair, which UTF-8 lacks."""
    if text.isascii():
        return text.replace("\0", "")
    utf_16 = text.encode("utf-16-le", "surrogatepass")
    return utf_16.decode("utf-16-le", "replace").replace("\0", "")


def _expected(value: object, kind: type[T]) -> T:
    if isinstance(value, kind):
        return value
    raise MalformedChunkError
