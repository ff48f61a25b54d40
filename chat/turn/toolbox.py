"""The tools offered to the model, and what a call of one brings."""

import json
from bisect import bisect_left
from dataclasses import dataclass

from chat.turn.citations import Citations
from chat.turn.events import JsonValue, Source
from chat.turn.expert_search import Findings
from chat.turn.language_model import Tool, ToolCall
from chat.turn.prompt import Texts
from knowledge.plain_text import repaired

QUESTION_CHARACTERS = 2_000
BACKGROUND_BYTES = 12 * 1024


class BadToolCallError(Exception):
    """The model called a tool that does not exist, or with arguments that do not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What goes back to the model."""

    content: str


def search_tool(texts: Texts) -> Tool:
    question: JsonValue = {"type": "string", "description": texts.question_description}
    return Tool(
        name=texts.tool_name,
        description=texts.tool_description,
        parameters={
            "type": "object",
            "properties": {"question": question},
            "required": ["question"],
            "additionalProperties": False,
        },
    )


def search_call(texts: Texts, question: str) -> ToolCall:
    """The call that a model should have made."""
    return ToolCall(
        id="call_missed", name=texts.tool_name, arguments=as_json({"question": question})
    )


def asked_question(call: ToolCall, texts: Texts) -> str:
    """The question of a call. Raises BadToolCallError with a sentence for the model."""
    if call.name != texts.tool_name:
        raise BadToolCallError(f"There is no such tool. The only tool is {texts.tool_name}.")
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        raise BadToolCallError("The arguments are not valid JSON.") from None
    match arguments:
        case {"question": str(text), **others} if not others and repaired(text).strip():
            return repaired(text).strip()[:QUESTION_CHARACTERS]
    raise BadToolCallError('The arguments must be {"question": "…"} and nothing else.')


def refusal(error: BadToolCallError) -> ToolResult:
    return ToolResult(content=as_json({"error": str(error)}))


def background(question: str, findings: Findings, citations: Citations) -> str:
    """The found answers as JSON, which delimits them better than any marks could.

    Whole answers only, as many as fit in 12 KiB; the first always stands, cut if need be. Those
    that it holds are noted in `citations`.
    """
    kept: list[JsonValue] = []
    for answer in findings.answers:
        number = citations.number(answer)
        entry = described(number, answer.source, answer.source.text)
        if fits([*kept, entry]):
            kept.append(entry)
            continue
        if not kept:
            kept.append(cut_to_fit(number, answer.source))
        break
    citations.show(findings.answers[: len(kept)])
    return as_json({"question": question, "answers": kept})


def cut_to_fit(number: int, source: Source) -> JsonValue:
    lengths = range(1, len(source.text) + 1)
    longest = bisect_left(
        lengths,
        x=True,
        key=lambda length: not fits([described(number, source, source.text[:length])]),
    )
    return described(number, source, source.text[:longest])


def described(number: int, source: Source, text: str) -> JsonValue:
    return {"number": number, "question": source.title, "answer": text, "expert": source.expert}


def fits(answers: list[JsonValue]) -> bool:
    return len(as_json(answers).encode()) <= BACKGROUND_BYTES


def as_json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)
