"""What is sent to a server, and what is read from its refusals: pure functions."""

import json
from datetime import UTC, datetime

import pytest

from chat.llm.parameters import optional_parameters, refused
from chat.llm.request import request_body
from chat.llm.retry_after import retry_after_seconds
from chat.turn.language_model import ChatMessage, ModelRequest, Tool, ToolCall

CALL = ToolCall(id="call_1", name="search", arguments='{"question": "q"}')
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_request_offers_tools_only_if_there_are_any() -> None:
    user = ChatMessage(role="user", content="hi")
    tool = Tool(name="search", description="Searches.", parameters={"type": "object"})
    function = {"name": "search", "description": "Searches.", "parameters": {"type": "object"}}

    plain = request_body(ModelRequest(messages=(user,)), model="m")
    offering = request_body(ModelRequest(messages=(user,), tools=(tool,)), model="m")

    assert plain == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
    }
    assert offering == plain | {
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "auto",
    }


def test_tool_call_is_sent_back_in_the_standard_form() -> None:
    messages = (
        ChatMessage(role="assistant", content="", tool_calls=(CALL,)),
        ChatMessage(role="tool", content="found", tool_call_id="call_1"),
    )

    body = request_body(ModelRequest(messages=messages), model="m")

    function = {"name": "search", "arguments": '{"question": "q"}'}
    assert body["messages"] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "found"},
    ]


@pytest.mark.parametrize("arguments", ["", '{"question"', "5", "[]", "[" * 100_000])
def test_malformed_arguments_are_sent_back_as_an_empty_object(arguments: str) -> None:
    call = ToolCall(id="call_1", name="search", arguments=arguments)
    message = ChatMessage(role="assistant", content="", tool_calls=(call,))

    body = request_body(ModelRequest(messages=(message,)), model="m")

    assert '"arguments": "{}"' in json.dumps(body)


def test_openai_is_told_who_asks_by_the_name_it_knows() -> None:
    openai = optional_parameters("api.openai.com", temperature=0, visitor="hash")
    azure = optional_parameters("one.openai.azure.com", temperature=0, visitor="hash")

    common = {"stream_options": {"include_usage": True}, "store": False, "temperature": 0}
    assert openai == {**common, "safety_identifier": "hash"}
    assert azure == {**common, "user": "hash"}


def test_what_is_not_known_is_not_sent() -> None:
    parameters = optional_parameters("127.0.0.1", temperature=None, visitor="")

    assert parameters == {"stream_options": {"include_usage": True}, "store": False}


@pytest.mark.parametrize(
    "host", ["api.deepseek.com", "dashscope-intl.aliyuncs.com", "api.moonshot.cn", "api.minimax.io"]
)
def test_host_that_documents_neither_store_nor_user_gets_neither(host: str) -> None:
    parameters = optional_parameters(host, temperature=0.3, visitor="hash")

    assert parameters.keys().isdisjoint({"store", "user", "safety_identifier"})
    assert {"stream_options", "temperature"} <= parameters.keys()


def test_temperature_stays_within_what_a_host_takes() -> None:
    assert optional_parameters("api.minimax.io", temperature=0, visitor="")["temperature"] == 0.01
    assert optional_parameters("api.minimax.io", temperature=2, visitor="")["temperature"] == 1


@pytest.mark.parametrize(
    ("parameter", "message", "names"),
    [
        ("temperature", "'temperature' does not support 0.3 with this model", {"temperature"}),
        ("stream_options.include_usage", "Unknown field, see store", {"stream_options"}),
        ("", 'Unknown name "store": Cannot find field.', {"store"}),
        ("messages[0].role", "property 'user' is unsupported", {"user"}),
        ("", "loc: [body, store] extra_forbidden, loc: [body, user]", {"store", "user"}),
        ("", "restored users", set()),
    ],
)
def test_refusal_is_about_what_it_names(parameter: str, message: str, names: set[str]) -> None:
    offered = ("stream_options", "store", "user", "temperature")

    assert refused(offered, parameter=parameter, message=message) == names


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("Wed, 01 Jul 2026 12:00:30 GMT", 30),
        ("Wed, 01 Jul 2026 12:00:30 -0000", 30),
        ("Wed, 01 Jul 2026 11:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after_seconds({"retry-after": header}, now=NOW) == seconds


def test_milliseconds_say_it_finer() -> None:
    headers = {"retry-after": "2", "retry-after-ms": "1250"}

    assert retry_after_seconds(headers, now=NOW) == 1.25


def test_thoughts_before_a_call_are_sent_back_with_it() -> None:
    call = ToolCall(id="call_1", name="search", arguments="{}")
    thoughtful = ChatMessage(role="assistant", content="", tool_calls=(call,), reasoning="Hmm")

    body = request_body(ModelRequest(messages=(thoughtful,)), model="m")

    assert '"reasoning_content": "Hmm"' in json.dumps(body["messages"])
