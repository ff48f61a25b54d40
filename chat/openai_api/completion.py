"""The objects that OpenAI clients read: chunks of a stream, whole completions, the model."""

import json
from dataclasses import dataclass

from chat.openai_api.completion_request import MODEL
from chat.turn.events import JsonValue, Outcome, Usage
from chat.wire_format import source_object

JsonObject = dict[str, JsonValue]
DONE = b"data: [DONE]\n\n"
WAITING = b": waiting\n\n"
"""A comment, which keeps proxies from closing a silent stream."""
MODEL_CREATED = 1_764_547_200
"""When the model came into being: clients want a date, and it must not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One completion: its id and time, and whether its chunks have a place for the usage."""

    id: str
    created: int
    include_usage: bool = False

    def opening(self) -> JsonObject:
        return self._chunk({"role": "assistant", "content": ""})

    def delta(self, text: str) -> JsonObject:
        return self._chunk({"content": text})

    def closing(self, outcome: Outcome) -> JsonObject:
        chunk = self._chunk({}, finish_reason=finish_reason(outcome))
        return {**chunk, "expertline": extension(outcome)}

    def usage(self, outcome: Outcome) -> JsonObject:
        """The chunk after the last, for those who asked for it."""
        return {**self._chunk({}), "choices": [], "usage": usage_object(outcome.usage)}

    def whole(self, text: str, outcome: Outcome) -> JsonObject:
        message: JsonObject = {
            "role": "assistant",
            "content": text,
            "refusal": None,
            "expertline": extension(outcome),
        }
        choice: JsonObject = {"index": 0, "message": message, "logprobs": None}
        return {
            **self._head("chat.completion"),
            "choices": [{**choice, "finish_reason": finish_reason(outcome)}],
            "usage": usage_object(outcome.usage),
        }

    def _chunk(self, delta: JsonObject, finish_reason: str | None = None) -> JsonObject:
        choice: JsonObject = {"index": 0, "delta": delta, "logprobs": None}
        chunk: JsonObject = {
            **self._head("chat.completion.chunk"),
            "choices": [{**choice, "finish_reason": finish_reason}],
        }
        return {**chunk, "usage": None} if self.include_usage else chunk

    def _head(self, kind: str) -> JsonObject:
        return {"id": self.id, "object": kind, "created": self.created, "model": MODEL}


def event(value: JsonObject) -> bytes:
    """A server-sent event. ASCII alone: some clients take U+2028 for the end of a line."""
    return f"data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()


def finish_reason(outcome: Outcome) -> str:
    return "stop" if outcome.finish == "no_answer" else outcome.finish


def extension(outcome: Outcome) -> JsonObject:
    """What OpenAI's form has no place for."""
    return {
        "finish": outcome.finish,
        "grounding": outcome.grounding,
        "sources": [source_object(source) for source in outcome.sources],
        "suggestions": list(outcome.suggestions),
    }


def usage_object(usage: Usage | None) -> JsonObject:
    """Zeros where no model was asked."""
    used = usage or Usage(input_tokens=0, output_tokens=0, estimated=False)
    return {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
    }


def model_object() -> JsonObject:
    return {"id": MODEL, "object": "model", "created": MODEL_CREATED, "owned_by": MODEL}


def model_list() -> JsonObject:
    return {"object": "list", "data": [model_object()]}
