"""The tools offered to the model, and what a call of one brings."""

import json
from dataclasses import dataclass

from chat.turn.events import JsonValue
from chat.turn.expert_search import Findings, FoundAnswer
from chat.turn.language_model import Tool, ToolCall
from chat.turn.prompt import TOOL_NAME, Texts

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
        name=TOOL_NAME,
        description=texts.tool_description,
        parameters={
            "type": "object",
            "properties": {"question": question},
            "required": ["question"],
            "additionalProperties": False,
        },
    )


def asked_question(call: ToolCall) -> str:
    """The question of a call. Raises BadToolCallError with a sentence for the model."""
    if call.name != TOOL_NAME:
        raise BadToolCallError(f"There is no such tool. The only tool is {TOOL_NAME}.")
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        raise BadToolCallError("The arguments are not valid JSON.") from None
    question = arguments.get("question") if isinstance(arguments, dict) else None
    if not isinstance(question, str) or not question.strip():
        raise BadToolCallError('The arguments must be {"question": "…"}.')
    return storable(question.strip())[:QUESTION_CHARACTERS]


def storable(text: str) -> str:
    """`text` without what escapes in JSON can bring and no database takes."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def refusal(error: BadToolCallError) -> ToolResult:
    return ToolResult(content=as_json({"error": str(error)}))


def background(question: str, findings: Findings) -> str:
    """The found answers as JSON, which delimits them better than any marks could.

    Whole answers only, as many as fit in 12 KiB; the first always stands, cut if need be.
    """
    kept: list[JsonValue] = []
    for number, answer in enumerate(findings.answers, start=1):
        entry = described(number, answer)
        if kept and len(as_json([*kept, entry]).encode()) > BACKGROUND_BYTES:
            break
        kept.append(entry)
    return as_json({"question": question, "answers": kept})


def described(number: int, answer: FoundAnswer) -> dict[str, JsonValue]:
    source = answer.source
    return {
        "number": number,
        "question": source.title,
        "answer": source.text[: BACKGROUND_BYTES // 4],
        "expert": source.expert,
    }


def as_json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)
