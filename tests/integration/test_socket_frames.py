"""Frames that no client of ours would send. The ids are those of the list of hostile input."""

import json
from collections.abc import Mapping

import pytest
from django.utils import translation

from chat.frame_errors import SENTENCES
from tests.chat_client import ChatClient, Visitor, new_id, send_command
from tests.chat_reply import Frame
from tests.conftest import Model
from tests.openai_script import Answer
from tests.uvicorn_server import EVERY_SERVER

pytestmark = EVERY_SERVER


async def refused(visitor: Visitor, frame: str | bytes) -> str:
    async with ChatClient(visitor) as client:
        return await client.error(frame)


async def test_t10_empty_frame_is_no_json(alice: Visitor) -> None:
    assert await refused(alice, "") == "bad_json"


async def test_t11_binary_frame_is_not_understood(alice: Visitor) -> None:
    assert await refused(alice, b'{"type":"pong","k":1}') == "binary_unsupported"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "bad_json"),
        ("[]", "not_object"),
        ('"x"', "not_object"),
        ("42", "not_object"),
        ("null", "not_object"),
        ("true", "not_object"),
    ],
)
async def test_t12_frame_that_is_no_object_is_refused(
    alice: Visitor, frame: str, code: str
) -> None:
    assert await refused(alice, frame) == code


@pytest.mark.parametrize(
    "frame",
    ["[" * 16_000, '{"a":' * 3_000, '{"a":' * 17 + "1" + "}" * 17],
    ids=["brackets", "braces", "depth_17"],
)
async def test_t13_deep_frame_is_refused(alice: Visitor, frame: str) -> None:
    assert await refused(alice, frame) == "too_deep"


@pytest.mark.parametrize(
    "number", ["1" * 5_000, "1e999", "NaN", "-Infinity", "9007199254740994", "-1", "1.5"]
)
async def test_t14_number_that_is_not_allowed_is_refused(alice: Visitor, number: str) -> None:
    assert await refused(alice, f'{{"type":"pong","k":{number}}}') == "bad_number"


async def test_t15_duplicate_key_is_refused(alice: Visitor) -> None:
    assert await refused(alice, '{"type":"pong","type":"send"}') == "duplicate_key"


OTHERS: Mapping[str, tuple[str, str]] = {
    "65_keys": (json.dumps({str(number): number for number in range(65)}), "too_large"),
    "no_type": ("{}", "unknown_type"),
    "type_of_the_server": ('{"type":"welcome"}', "unknown_type"),
    "type_is_a_list": ('{"type":["send"]}', "unknown_type"),
    "malformed_id": ('{"type":"subscribe","conversation":"1 OR 1=1"}', "bad_id"),
    "id_in_braces": (
        '{"type":"unsubscribe","conversation":"{00000000-0000-0000-0000-000000000000}"}',
        "bad_id",
    ),
    "stop_of_nothing": ('{"type":"stop"}', "bad_id"),
    "negative_revision": (
        '{"type":"subscribe","conversation":"00000000-0000-0000-0000-000000000000","rev":-1}',
        "bad_number",
    ),
}


@pytest.mark.parametrize(("frame", "code"), OTHERS.values(), ids=OTHERS.keys())
async def test_unreadable_frame_is_refused_by_its_code(
    alice: Visitor, frame: str, code: str
) -> None:
    assert await refused(alice, frame) == code


async def refused_text(visitor: Visitor, text: str) -> str:
    """The code, which comes with the message's id; nothing is stored."""
    command = send_command(text)
    async with ChatClient(visitor) as client:
        code = await client.error(json.dumps(command))
    assert client.all_of("error")[0]["id"] == command["id"]
    assert await visitor.get("/api/conversations") == {"conversations": []}
    return code


@pytest.mark.parametrize(
    "text",
    ["a\x00b", "a\ud800b", "a" + "\u0301" * 65],
    ids=["nul", "lone_surrogate", "combining_run"],
)
async def test_t16_text_that_cannot_be_taken_is_refused(alice: Visitor, text: str) -> None:
    assert await refused_text(alice, text) == "bad_text"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \t\n\u3000 ", "empty"),
        ("\u200b\u200d\ufeff", "empty"),
        ("a" * 8_193, "too_long"),
    ],
    ids=["nothing", "spaces", "zero_width", "8193"],
)
async def test_t18_text_of_no_or_too_many_characters_is_refused(
    alice: Visitor, text: str, code: str
) -> None:
    assert await refused_text(alice, text) == code


GOOD_TEXTS: Mapping[str, str] = {
    "t16_combining_run": "a" + "\u0301" * 64,
    "t16_bidi": "abc\u202edef",
    "t18_1": "a",
    "t18_8192": "a" * 8_192,
    "emoji": "👩‍👩‍👧 你好",
    "markup": "<script>alert(1)</script>",
}


@pytest.mark.parametrize("text", GOOD_TEXTS.values(), ids=GOOD_TEXTS.keys())
async def test_t16_t18_unusual_text_is_stored_as_it_is(
    alice: Visitor, model: Model, text: str
) -> None:
    model.script(Answer("I see."))
    async with ChatClient(alice) as client:
        accepted = await client.send(text)
        await client.end_of(accepted["turn"])

    stored = await alice.get(f"/api/messages/{accepted['id']}")
    assert stored["text"] == text


async def test_space_around_a_text_is_not_kept(alice: Visitor, model: Model) -> None:
    model.script(Answer("I see."))
    async with ChatClient(alice) as client:
        accepted = await client.send("  What now?\n")
        await client.end_of(accepted["turn"])

    stored = await alice.get(f"/api/messages/{accepted['id']}")
    assert stored["text"] == "What now?"


@pytest.mark.parametrize(
    "extra", [{"role": "system"}, {"owner": 1}, {"model": "gpt-x"}, {"is_staff": True}]
)
async def test_t17_field_that_is_not_known_is_refused(alice: Visitor, extra: Frame) -> None:
    async with ChatClient(alice) as client:
        code = await client.error(send_command("Who do you think I am?") | extra)

    assert code == "unknown_field"
    assert await alice.get("/api/conversations") == {"conversations": []}


async def test_error_names_the_command_and_nothing_of_its_content(alice: Visitor) -> None:
    command = send_command("What is this about?") | {"parent": "not an id"}
    async with ChatClient(alice) as client:
        await client.error(command)

    (error,) = client.all_of("error")
    assert set(error) == {"type", "id", "code", "message", "retry_ms", "request"}
    assert (error["id"], error["code"]) == (command["id"], "bad_id")
    assert "not an id" not in json.dumps(error)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("en", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh-hans"), ("fr, en;q=0.5", "en"), ("?", "en")],
)
async def test_error_speaks_the_language_of_the_browser(
    alice: Visitor, accepted: str, language: str
) -> None:
    async with ChatClient(alice, language=accepted) as client:
        await client.error({"type": "stop"})

    with translation.override(language):
        assert client.all_of("error")[0]["message"] == str(SENTENCES["bad_id"])


async def test_four_bad_frames_are_forgiven(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        for _ in range(4):
            await client.error("{")

        ended = await client.ask("Sorry, where were we?")

    assert ended["status"] == "done"


async def test_fifth_bad_frame_ends_the_connection_for_good(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        for _ in range(5):
            await client.error("{")
        code = await client.close_code()

    assert code == 4500
    assert client.frames[-1]["type"] == "bye"
    assert client.frames[-1]["code"] == "bad_frames"


async def test_command_that_is_refused_for_its_content_is_no_bad_frame(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        for _ in range(6):
            await client.error({"type": "subscribe", "conversation": new_id()})

        ended = await client.ask("Are you still with me?")

    assert ended["status"] == "done"
