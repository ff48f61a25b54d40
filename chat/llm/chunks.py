"""Chunks of a streamed chat completion (OpenAI's `chat.completion.chunk`): bytes in, events out.

Only what a turn needs is read, from plain JSON: typed parsing of every chunk is where the official
client spends two thirds of its time. Servers differ; what is known of them is in the comments.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

from chat.llm.chunk_failures import check_chunk
from chat.llm.pattern import TextPattern
from chat.llm.sse import MAX_EVENT_BYTES, EventSplitter, ServerSentEvent
from chat.llm.text import TextJoiner
from chat.llm.thoughts import ThoughtFilter
from chat.turn.events import TextDelta
from chat.turn.language_model import (
    FinishReason,
    ModelEvent,
    RoundFinished,
    RoundUsage,
    ToolCallDelta,
    UpstreamError,
)
from knowledge.plain_text import repaired

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

MOST_TOKENS = 2**31 - 1
MOST_THOUGHT = 64 * 1024
"""Characters that are kept of what a model thinks before it calls a tool."""


class MalformedChunkError(ValueError):
    """A chunk is JSON of another shape than a chat completion's."""


class ChunkDecoder:
    """Decodes one reply: feed it the body's bytes, cut anywhere, then call `end`.

    Text and tool calls come as they arrive, and text that arrived together as one delta. Usage,
    which some servers repeat in every chunk, and the one RoundFinished come last, from `end`.
    Both methods raise UpstreamError, after the events that came before the failure.

    `progress` rises with everything that shows a model at work, reasoning included, which gives
    no event; `spoken` tells that text came, `called` that a tool call began, `finished` that a
    finish reason came, `done` that [DONE] did.
    """

    def __init__(self) -> None:
        self.progress = 0
        self.spoken = False
        self.called = False
        self.done = False
        self._splitter = EventSplitter()
        self._pattern = TextPattern()
        self._joiner = TextJoiner()
        self._thoughts = ThoughtFilter()
        self._thought: list[str] = []
        self._thought_size = 0
        self._texts: list[str] = []
        self._events: list[ModelEvent] = []
        self._reason: FinishReason | None = None
        self._usage: RoundUsage | None = None

    @property
    def finished(self) -> bool:
        return self._reason is not None

    def feed(self, data: bytes) -> Iterable[ModelEvent]:
        """The events that these bytes complete. Take them all before feeding more."""
        text = self._patterned_text(data)
        if text is None:
            return self._parsed(data)
        if not text:
            return ()
        self.progress += 1
        shown = self._thoughts.reply_in(text)
        if not shown:
            return ()
        self.spoken = True
        return (TextDelta(text=shown),)

    def end(self) -> Iterator[ModelEvent]:
        """The last events, once the body is over."""
        with suppress(ValueError, RecursionError):  # half an event: the stream was cut off
            for event in self._splitter.end():
                self._decode(event)
        self._flush_text()
        self._show(self._thoughts.end())
        yield from self._decoded()
        if self._reason is None:
            raise UpstreamError("upstream_truncated")
        if self._usage:
            yield self._usage
        # Ollama and Gemini say "stop" after a tool call.
        called = self.called and self._reason == "stop"
        yield RoundFinished(
            reason="tool_calls" if called else self._reason,
            reasoning=repaired("".join(self._thought)) if self.called else "",
        )

    def cut_short(self) -> Iterator[ModelEvent]:
        """The last events of a reply that we do not wait for any longer."""
        if self._usage:
            yield self._usage
        yield RoundFinished(reason="length")

    def _patterned_text(self, data: bytes) -> str | None:
        if self.done or self._joiner.waits or not self._splitter.between_events:
            return None
        return self._pattern.text_in(data) if len(data) <= MAX_EVENT_BYTES else None

    def _parsed(self, data: bytes) -> Iterator[ModelEvent]:
        failure: UpstreamError | None = None
        try:
            for event in self._splitter.feed(data):
                self._decode(event)
        except UpstreamError as error:
            failure = error
        except (ValueError, RecursionError) as error:
            failure = UpstreamError("upstream_malformed")
            failure.__cause__ = error
        yield from self._decoded()
        if failure:
            raise failure

    def _decoded(self) -> list[ModelEvent]:
        self._flush_text()
        events, self._events = self._events, []
        return events

    def _flush_text(self) -> None:
        if self._texts:
            self._show(self._thoughts.reply_in(self._joiner.joined(self._texts)))
            self._texts.clear()

    def _show(self, text: str) -> None:
        if text:
            self.spoken = True
            self._events.append(TextDelta(text=text))

    def _decode(self, event: ServerSentEvent) -> None:
        name, data = event
        if self.done or not data:
            return
        if data.startswith(b"[DONE]"):
            self.done = True
            self.progress += 1
            return
        if name == b"error":
            raise UpstreamError("upstream_error")
        # json.loads would guess UTF-16 from bytes, and let encoded surrogates through.
        chunk = json.loads(data.decode())
        if not isinstance(chunk, dict):
            raise MalformedChunkError
        check_chunk(chunk)
        progress, count = self.progress, len(self._texts)
        usage = chunk.get("usage")
        if usage:
            self._read_usage(usage)
        for choice in _expected(chunk.get("choices") or [], list):
            self._read_choice(_expected(choice, dict))
        if not usage and self.progress == progress + 1 and len(self._texts) == count + 1:
            self._pattern.learn(data, self._texts[-1])

    def _read_usage(self, usage: object) -> None:
        match usage:
            case {"prompt_tokens": int(read), "completion_tokens": int(written)}:
                if 0 <= read <= MOST_TOKENS and 0 <= written <= MOST_TOKENS:
                    self._usage = RoundUsage(input_tokens=read, output_tokens=written)

    def _read_choice(self, choice: dict[str, object]) -> None:
        if choice.get("index"):  # a second reply to the same request
            return
        delta = _expected(choice.get("delta") or {}, dict)
        self._read_text(delta)
        calls, legacy = delta.get("tool_calls"), delta.get("function_call")
        if calls:
            for call in _expected(calls, list):
                self._read_tool_call(_expected(call, dict))
        elif legacy:
            self._read_function(_expected(legacy, dict), index=0)
        reason = choice.get("finish_reason")
        if reason:
            self._read_finish_reason(_expected(reason, str))
            self._read_usage(choice.get("usage"))  # Moonshot puts it here

    def _read_text(self, delta: dict[str, object]) -> None:
        content = delta.get("content")
        if isinstance(content, list):
            content = self._text_of_parts(content)
        if content:
            self.progress += 1
            self._texts.append(_expected(content, str))
        # A reasoning model may think for minutes: that is no silence, and nobody's answer either.
        elif thought := delta.get("reasoning_content") or delta.get("reasoning"):
            self.progress += 1
            self._keep_thought(thought)

    def _keep_thought(self, thought: object) -> None:
        if isinstance(thought, str) and self._thought_size < MOST_THOUGHT:
            self._thought_size += len(thought)
            self._thought.append(thought)

    def _text_of_parts(self, parts: list[object]) -> str:
        """Mistral's reasoning models send a list, of which thoughts are a part."""
        self.progress += bool(parts)
        texts = [part.get("text") for part in parts if isinstance(part, dict)]
        return "".join(text for text in texts if isinstance(text, str))

    def _read_tool_call(self, call: dict[str, object]) -> None:
        index = call.get("index")
        self._read_function(
            _expected(call.get("function") or {}, dict),
            index=index if isinstance(index, int) else None,
            id_=_expected(call.get("id") or "", str),
        )

    def _read_function(
        self, function: dict[str, object], *, index: int | None, id_: str = ""
    ) -> None:
        name = _expected(function.get("name") or "", str)
        arguments = function.get("arguments") or ""
        if isinstance(arguments, dict):  # some servers forget to make it text
            arguments = json.dumps(arguments)
        arguments = _expected(arguments, str)
        if id_ or name or arguments:
            self.progress += 1
            self.called = True
            self._flush_text()
            self._events.append(
                ToolCallDelta(
                    index=index,
                    id=repaired(id_),
                    name=repaired(name),
                    arguments=repaired(arguments),
                )
            )

    def _read_finish_reason(self, reason: str) -> None:
        if self._reason:
            return
        if reason in FAILED_REASONS:
            raise UpstreamError("upstream_error")
        self._reason = FINISH_REASONS.get(reason, "stop")
        self.progress += 1


def _expected(value: object, kind: type[T]) -> T:
    if isinstance(value, kind):
        return value
    raise MalformedChunkError
