"""What the scripted server says, as bytes: a step of its script and a request in, a reply out."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from tests.openai_script import (
    Answer,
    Body,
    CallTool,
    Drop,
    Malformed,
    Raw,
    Stall,
    Status,
    Step,
    Truncate,
)

JsonObject = dict[str, Any]  # parsed JSON, which tests index freely

SMALL_TALK = re.compile(r"^\W*(你好|您好|谢谢|再见|hello|hi|thanks|bye)\W*$", re.IGNORECASE)
CALL_STAMP = re.compile(r"\[call (\d+)\] ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A body in server-sent events. `opening` comes with the headers, `deltas` at the pace."""

    opening: bytes
    deltas: Sequence[bytes]
    closing: bytes = b""
    ending: Literal["whole", "fin", "rst", "silence"] = "whole"
    headers: bool = True
    comment_seconds: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A response in one piece."""

    content: bytes
    status: int = 200
    content_type: str = "application/json"
    retry_after: int | str | None = None


Reply = Stream | Plain | Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as the server sees it; `number` counts from 1."""

    number: int
    body: JsonObject
    authorization: str
    stamped: bool


def like_a_model(body: JsonObject) -> Step:
    """What a cooperative model does: chats, calls the first tool, answers from its result."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return Answer(_first_answer(last["content"]))
    question = _last_question(body)
    if SMALL_TALK.match(question):
        return Answer("你好!请告诉我孩子的情况。" if not question.isascii() else "Hello! Ask me.")
    if body.get("tools"):
        return CallTool(question)
    return Answer(f"You said: {question}")


def calls_stamped_in(text: str) -> set[int]:
    """Numbers of the calls whose words are in this text: more than one means they were mixed."""
    return {int(number) for number in CALL_STAMP.findall(text)}


def reply_to(call: Call, step: Step) -> Reply:
    match step:
        case Raw():
            return step
        case Body():
            return Plain(content=step.content, content_type=step.content_type)
        case Status():
            return _refusal(call, step)
        case Answer():
            return _answer(call, step)
        case CallTool():
            return _tool_call(call, step)
    return _broken(call, step)


def _broken(call: Call, step: Step) -> Reply:
    opening = _chunk(call, {"role": "assistant", "content": ""})
    match step:
        case Stall():
            return Stream(
                opening=opening,
                deltas=_numbered(call, step.after_pieces),
                ending="silence",
                headers=step.headers,
                comment_seconds=step.comment_seconds,
            )
        case Drop():
            deltas = _numbered(call, step.after_pieces)
            return Stream(opening=opening, deltas=deltas, ending=step.how, headers=step.headers)
        case Truncate():
            return Stream(opening=opening, deltas=_numbered(call, step.after_pieces))
        case Malformed():
            deltas = _numbered(call, step.after_pieces)
            return Stream(opening=opening, deltas=deltas, closing=_event(step.payload))
    raise ValueError(f"The server does not know the step {step}.")


def _answer(call: Call, step: Answer) -> Stream:
    pieces = _pieces(call, step.text, step.pieces)
    return Stream(
        opening=_chunk(call, {"role": "assistant", "content": ""}),
        deltas=[_chunk(call, {"content": piece}) for piece in pieces],
        closing=_closing(call, step.finish_reason, step.usage, done=step.done),
        ending="silence" if step.hangs else "whole",
    )


def _tool_call(call: Call, step: CallTool) -> Stream:
    before: list[JsonObject] = [{"content": piece} for piece in _pieces(call, step.text_before)]
    functions = _functions(call, step)
    if step.form == "function_call":
        deltas: list[JsonObject] = [{"function_call": function} for function in functions]
    else:
        deltas = [
            {"tool_calls": [_fragment(call, step, function, first=position == 0)]}
            for position, function in enumerate(functions)
        ]
    return Stream(
        opening=_chunk(call, {"role": "assistant", "content": ""}),
        deltas=[_chunk(call, delta) for delta in before + deltas],
        closing=_closing(call, step.finish_reason or step.form, step.usage),
    )


def _functions(call: Call, step: CallTool) -> list[JsonObject]:
    name = step.name or call.body["tools"][0]["function"]["name"]
    arguments = step.arguments
    if arguments is None:
        arguments = json.dumps({"question": step.question}, ensure_ascii=False)
    functions: list[JsonObject] = [{"name": piece} for piece in _cut(name, step.name_pieces)]
    functions[0]["arguments"] = step.first_arguments
    return functions + [{"arguments": piece} for piece in _cut(arguments, step.fragments)]


def _closing(call: Call, finish_reason: str, usage: tuple[int, int], *, done: bool = True) -> bytes:
    closing = _chunk(call, {}, finish_reason)
    if call.body.get("stream_options", {}).get("include_usage"):
        closing += _usage(call, usage)
    return closing + _event(b"[DONE]") if done else closing


def _fragment(call: Call, step: CallTool, function: JsonObject, *, first: bool) -> JsonObject:
    fragment: JsonObject = {"type": "function", "function": function}
    if step.index:
        fragment["index"] = 0
    if step.id_style == "empty":
        fragment["id"] = ""
    elif step.id_style == "repeated" or (first and step.id_style == "once"):
        fragment["id"] = f"call_{call.number}"
    return fragment


def _refusal(call: Call, step: Status) -> Plain:
    message = f"{call.authorization} may not say: {_last_question(call.body)}"
    content = json.dumps({"error": {"message": message, "code": step.code}}).encode()
    return Plain(content=content, status=step.code, retry_after=step.retry_after)


def _numbered(call: Call, count: int) -> list[bytes]:
    text = "".join(f"piece {number} " for number in range(1, count + 1))
    return [_chunk(call, {"content": piece}) for piece in _pieces(call, text, count)]


def _pieces(call: Call, text: str, count: int = 0) -> list[str]:
    pieces = _cut(text, count or max(1, len(text) // 4)) if text else []
    return [f"[call {call.number}] {piece}" for piece in pieces] if call.stamped else pieces


def _cut(text: str, count: int) -> list[str]:
    """About equal pieces, none of them empty unless the text is."""
    count = max(1, min(count, len(text)))
    edges = [len(text) * position // count for position in range(count + 1)]
    return [text[start:end] for start, end in pairwise(edges)]


def _chunk(call: Call, delta: JsonObject, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _event(_json(_envelope(call) | {"choices": [choice], "usage": None}))


def _usage(call: Call, usage: tuple[int, int]) -> bytes:
    read, written = usage
    tokens = {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
    }
    return _event(_json(_envelope(call) | {"choices": [], "usage": tokens}))


def _envelope(call: Call) -> JsonObject:
    return {
        "id": f"chatcmpl-{call.number}",
        "object": "chat.completion.chunk",
        "created": 1_750_000_000,
        "model": call.body.get("model"),
        "system_fingerprint": "fp_scripted",
    }


def _event(payload: bytes) -> bytes:
    return b"data: " + payload + b"\n\n"


def _json(value: JsonObject) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _last_question(body: JsonObject) -> str:
    asked = [message["content"] for message in body["messages"] if message["role"] == "user"]
    return str(asked[-1]) if asked else ""


def _first_answer(result: str) -> str:
    """The first text in a tool's result, be it JSON or plain."""
    try:
        texts = list(_texts(json.loads(result)))
    except ValueError:
        texts = [result]
    return next((text for text in texts if text.strip()), "Our experts have no answer yet.")


def _texts(value: object) -> list[str]:
    match value:
        case {"text": str(text)} | {"answer": str(text)} | {"content": str(text)}:
            return [text]
        case dict():
            return [text for item in value.values() for text in _texts(item)]
        case list():
            return [text for item in value for text in _texts(item)]
    return []
