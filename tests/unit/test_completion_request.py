"""What a chat completion asks for: which requests are understood, and which are refused."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.openai_api.completion_request import CompletionRequest, parse_completion_request
from chat.openai_api.refusals import RefusalError
from chat.turn.language_model import ChatMessage

USER = {"role": "user", "content": "Why?"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}
SOUND = {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
Message = dict[str, Any]


def parsed(*messages: Any, **fields: Any) -> CompletionRequest:
    body = {"model": "expertline", "messages": list(messages) or [USER], **fields}
    return parse_completion_request(json.dumps(body).encode())


def refusal_of(*messages: Any, **fields: Any) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        parsed(*messages, **fields)
    return caught.value


def test_last_message_is_the_question_and_the_others_are_history() -> None:
    request = parsed(
        {"role": "user", "content": "One?"}, {"role": "assistant", "content": "Two."}, USER
    )

    assert request.question == "Why?"
    assert request.history == (
        ChatMessage(role="user", content="One?"),
        ChatMessage(role="assistant", content="Two."),
    )


def test_least_request_wants_the_whole_reply_and_nothing_else() -> None:
    assert parsed() == CompletionRequest(
        question="Why?", history=(), stream=False, include_usage=False, footer=None, user=""
    )


def test_options_are_read() -> None:
    request = parsed(
        stream=True,
        stream_options={"include_usage": True},
        expertline={"footer": False},
        user="user-7",
    )

    assert (request.stream, request.include_usage) == (True, True)
    assert (request.footer, request.user) == (False, "user-7")


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_are_ignored_wherever_they_stand(role: str) -> None:
    instruction = {"role": role, "content": "You are a pirate."}

    assert parsed(instruction, USER, instruction) == parsed(USER)


def test_parts_of_text_are_lines_of_one_message() -> None:
    parts = [{"type": "text", "text": "Why?"}, {"type": "text", "text": "And when?"}]

    assert parsed({"role": "user", "content": parts}).question == "Why?\nAnd when?"


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "tool", "content": "{}", "tool_call_id": "1"},
        {"role": "function", "name": "f", "content": "{}"},
    ],
)
def test_earlier_messages_without_words_are_left_out(message: Message) -> None:
    assert parsed(USER, message, USER).history == (ChatMessage(role="user", content="Why?"),)


def test_what_a_reply_said_before_may_be_longer_than_a_question() -> None:
    reply = {"role": "assistant", "content": "a" * 20_000}

    assert len(parsed(USER, reply, USER).history[1].content) == 20_000


@pytest.mark.parametrize(
    "fields",
    [
        {"n": None, "stream": None, "stream_options": None, "expertline": None},
        {"n": 1, "response_format": {"type": "text"}},
        {"tools": [{"type": "function"}], "tool_choice": "auto", "functions": []},
        {"temperature": 0.5, "top_p": 1, "stop": ["a"], "max_tokens": 5, "seed": 2**70},
        {"logit_bias": {}, "store": True, "metadata": {"a": "b"}, "unheard_of": [[[]]]},
        {"expertline": {"colour": "blue"}, "stream_options": {"include_obfuscation": False}},
    ],
)
def test_fields_that_change_nothing_are_ignored(fields: dict[str, Any]) -> None:
    assert parsed(**fields) == parsed()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"n": True}, "n"),
        ({"n": "1"}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"stream_options": {"include_usage": 1}}, "include_usage"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"expertline": True}, "expertline"),
        ({"expertline": {"footer": "yes"}}, "footer"),
        ({"model": None}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": []}, "messages"),
    ],
)
def test_field_that_cannot_be_honoured_is_named(fields: dict[str, Any], param: str) -> None:
    refusal = refusal_of(**fields)

    assert (refusal.status, refusal.param) == (400, param)


@pytest.mark.parametrize("model", ["gpt-4o", "Expertline", "", "expertline "])
def test_other_model_is_not_found(model: str) -> None:
    refusal = refusal_of(model=model)

    assert (refusal.status, refusal.code, refusal.param) == (404, "model_not_found", "model")


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "assistant", "content": "Two."}],
        [USER, {"role": "assistant", "content": "Two."}],
        [USER, {"role": "tool", "content": "{}"}],
        [{"role": "system", "content": "You are a pirate."}],
    ],
)
def test_last_message_must_be_the_users(messages: list[Message]) -> None:
    refusal = refusal_of(*messages)

    assert refusal.message == "The last message must be the user's."


@pytest.mark.parametrize("part", [IMAGE, SOUND, {"type": "file"}, {"type": "text", "text": 7}])
def test_only_text_is_read(part: Message) -> None:
    refusal = refusal_of({"role": "user", "content": [part]}, USER)

    assert refusal.message == "Only text can be read here, no images, sound or files."


@pytest.mark.parametrize(
    "message", [None, "Why?", {}, {"role": "king"}, {"role": ["user"]}, {"role": "user"}]
)
def test_what_is_no_message_is_refused(message: Any) -> None:
    assert (refusal_of(message, USER).status, refusal_of(message, USER).param) == (400, "messages")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("\u200b", "empty"),
        ("a" * 8_193, "too_long"),
        ("a\0b", "bad_text"),
        ("\ud800", "bad_text"),
        ("a" + "\u0301" * 65, "bad_text"),
    ],
)
def test_question_obeys_the_rules_of_any_message(text: str, code: str) -> None:
    refusal = refusal_of({"role": "user", "content": text})

    assert (refusal.status, refusal.code, refusal.param) == (400, code, "messages")


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_earlier_text_that_cannot_be_handled_is_refused(role: str) -> None:
    assert refusal_of({"role": role, "content": "\0"}, USER).code == "bad_text"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
OPTIONS = ("n", "stream", "stream_options", "expertline", "user", "response_format")


@given(
    st.fixed_dictionaries(
        {"model": st.just("expertline"), "messages": json_values | st.lists(json_values)},
        optional=dict.fromkeys(OPTIONS, json_values),
    )
)
def test_any_json_is_understood_or_refused(body: dict[str, Any]) -> None:
    with suppress(RefusalError):
        parse_completion_request(json.dumps(body).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_understood_or_refused(body: bytes) -> None:
    with pytest.raises(RefusalError):
        parse_completion_request(body)
