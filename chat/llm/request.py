"""The body of a chat completion request, in the form that every OpenAI-compatible server knows."""

import json

from chat.turn.events import JsonValue
from chat.turn.language_model import ChatMessage, ModelRequest, Tool, ToolCall


def request_body(request: ModelRequest, *, model: str) -> dict[str, JsonValue]:
    """What every server takes; chat.llm.parameters has the rest."""
    body: dict[str, JsonValue] = {
        "model": model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
    }
    if request.tools:
        body |= {"tools": [_tool(tool) for tool in request.tools], "tool_choice": "auto"}
    return body


def _message(message: ChatMessage) -> dict[str, JsonValue]:
    if message.role == "tool":
        return {
            "role": "tool",
            "tool_call_id": message.tool_call_id,
            "content": message.content,
        }
    if message.tool_calls:
        thought = {"reasoning_content": message.reasoning} if message.reasoning else {}
        return {
            "role": message.role,
            "content": message.content or None,
            **thought,
            "tool_calls": [_tool_call(call) for call in message.tool_calls],
        }
    return {"role": message.role, "content": message.content}


def _tool_call(call: ToolCall) -> dict[str, JsonValue]:
    # Providers refuse a history with arguments that are not a JSON object: the turn would be lost
    # for a mistake that the model made, and was told about, earlier in it.
    arguments = call.arguments if _is_json_object(call.arguments) else "{}"
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _tool(tool: Tool) -> dict[str, JsonValue]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    }


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
