"""The seam to a language model: one streaming method, and what goes in and out of it."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from chat.turn.events import JsonValue, TextDelta

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A whole call; `arguments` is the JSON text as the model wrote it, possibly malformed."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One message of a request. Only an assistant has tool calls; only a tool names its call.

    `reasoning` is what a model thought before its calls; some want it back with their results.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function offered to the model; `parameters` is its JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One round. `temperature` None leaves the choice to the adapter's setting.

    `visitor` is a keyed hash of who asks, for the provider's abuse checks; empty tells nothing.
    """

    messages: tuple[ChatMessage, ...]
    tools: tuple[Tool, ...] = ()
    temperature: float | None = None
    visitor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallDelta:
    """A piece of a call, as a provider sent it.

    `index` is None where the provider gives none; `id` and `name` may be empty, repeated or in
    pieces; `arguments` is the next piece of the JSON text.
    """

    index: int | None
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundUsage:
    """Tokens of one round, as the provider counted them."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundFinished:
    """Why the model stopped writing, and what it thought, where it tells. A round that ends
    without one was cut off."""

    reason: FinishReason
    reasoning: str = ""


ModelEvent = TextDelta | ToolCallDelta | RoundUsage | RoundFinished


class UpstreamError(Exception):
    """The provider failed. `code` is one of protocol.md's `upstream_…` codes; the text is empty.

    `retryable` tells whether the same request may succeed the next time: a refused key will not.
    `retry_after_seconds` is the pause that the provider asked for, where it did.
    """

    def __init__(
        self, code: str, *, retryable: bool = True, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds


class LanguageModel(Protocol):
    """Streams one round. Raises UpstreamError and nothing else; closing it ends the request."""

    @property
    def name(self) -> str: ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]: ...
