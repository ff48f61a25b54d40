"""What a chat completion asks for: the client's JSON in, a typed request out.

Fields that this server does not know, or that the experts' prompts decide, are ignored, since
clients send many. What cannot be honoured and would be missed is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from chat.openai_api.message_content import Said, said_in
from chat.openai_api.refusals import RefusalError, unknown_model
from chat.turn.events import JsonValue
from chat.turn.language_model import ChatMessage

MODEL = "expertline"
TEXT_FORMATS = (None, "text")
Fields = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest:
    """`footer` is None where the request leaves it to its key. `user` names the client's user."""

    question: str
    history: tuple[ChatMessage, ...]
    stream: bool
    include_usage: bool
    footer: bool | None
    user: str


def parse_completion_request(body: bytes) -> CompletionRequest:
    """Raises RefusalError."""
    fields = json_object(body)
    refuse_other_models(fields.get("model"))
    refuse_what_cannot_be_honoured(fields)
    said = said_in(fields.get("messages"))
    return CompletionRequest(
        question=question_of(said),
        history=tuple(each.message for each in said[:-1] if each.message.content),
        stream=bool(boolean(fields, "stream")),
        include_usage=bool(boolean(inner(fields, "stream_options"), "include_usage")),
        footer=boolean(inner(fields, "expertline"), "footer"),
        user=user_of(fields),
    )


def json_object(body: bytes) -> Fields:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusalError("The body is not JSON.", code="bad_json") from None
    if not isinstance(value, dict):
        raise RefusalError("The body is not a JSON object.", code="not_object")
    return value


def refuse_other_models(model: JsonValue) -> None:
    """Any name would do, but a client that believes it talks to another model is mistaken."""
    if not isinstance(model, str):
        raise RefusalError("The model must be named: expertline.", param="model")
    if model != MODEL:
        raise unknown_model()


def refuse_what_cannot_be_honoured(fields: Fields) -> None:
    if fields.get("n") not in (None, 1) or fields.get("n") is True:
        raise RefusalError("There is one reply to a request: n must be 1.", param="n")
    if inner(fields, "response_format").get("type") not in TEXT_FORMATS:
        raise RefusalError("Replies are text, not JSON.", param="response_format")


def question_of(said: tuple[Said, ...]) -> str:
    if not said or said[-1].message.role != "user":
        raise RefusalError("The last message must be the user's.", param="messages")
    return said[-1].question()


def user_of(fields: Fields) -> str:
    """Newer clients send `safety_identifier` in place of `user`."""
    named = fields.get("safety_identifier") or fields.get("user")
    return named if isinstance(named, str) else ""


def inner(fields: Fields, name: str) -> Fields:
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RefusalError(f"{name} must be an object.", param=name)
    return value


def boolean(fields: Fields, name: str) -> bool | None:
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise RefusalError(f"{name} must be true or false.", param=name)
