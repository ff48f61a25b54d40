"""Frames that no client of ours would send. The ids are those of the list of hostile input."""

import json
from collections.abc import Mapping

import pytest
from django.utils import translation

from chat.frame_errors import SENTENCES
from tests.chat_client import ChatClient, Frame, Visitor, new_id, send_command
from tests.conftest import Model
from tests.openai_script import Answer

LARGEST_FRAME = 16_384

UNREADABLE: Mapping[str, tuple[str | bytes, str]] = {
    "t10_empty": ("", "bad_json"),
    "t11_binary": (b'{"type":"pong","k":1}', "binary_unsupported"),
    "t12_half": ("{", "bad_json"),
    "t12_list": ("[]", "not_object"),
    "t12_text": ('"x"', "not_object"),
    "t12_number": ("42", "not_object"),
    "t12_null": ("null", "not_object"),
    "t12_true": ("true", "not_object"),
    "t13_open_brackets": ("[" * 16_000, "too_deep"),
    "t13_open_braces": ('{"a":' * 3_000, "too_deep"),
    "t13_depth_17": ('{"a":' * 17 + "1" + "}" * 17, "too_deep"),
    "t14_5000_digits": ('{"type":"pong","k":%s}' % ("1" * 5_000), "bad_number"),
    "t14_infinite": ('{"type":"pong","k":1e999}', "bad_number"),
    "t14_nan": ('{"type":"pong","k":NaN}', "bad_number"),
    "t14_minus_infinity": ('{"type":"pong","k":-Infinity}', "bad_number"),
    "t14_beyond_double": ('{"type":"pong","k":9007199254740994}', "bad_number"),
    "t15_duplicate_key": ('{"type":"pong","type":"send"}', "duplicate_key"),
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
    "negative_pong": ('{"type":"pong","k":-1}', "bad_number"),
    "fraction": ('{"type":"pong","k":1.5}', "bad_number"),
}


@pytest.mark.parametrize(("frame", "code"), UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_unreadable_frame_is_refused_by_its_code(
    alice: Visitor, frame: str | bytes, code: str
) -> None:
    async with ChatClient(alice) as client:
        assert await client.error(frame) == code


BAD_TEXTS: Mapping[str, tuple[str, str]] = {
    "t16_nul": ("a\x00b", "bad_text"),
    "t16_lone_surrogate": ("a\ud800b", "bad_text"),
    "t16_combining_run": ("a" + "\u0301" * 65, "bad_text"),
    "t18_empty": ("", "empty"),
    "t18_spaces": (" \t\n\u3000 ", "empty"),
    "t18_zero_width": ("\u200b\u200d\ufeff", "empty"),
    "t18_8193": ("a" * 8_193, "too_long"),
}


@pytest.mark.parametrize(("text", "code"), BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
async def test_text_that_cannot_be_taken_is_refused_by_its_code(
    alice: Visitor, text: str, code: str
) -> None:
    command = send_command(text)
    async with ChatClient(alice) as client:
        refused = await client.error(json.dumps(command))

    assert refused == code
    assert client.all_of("error")[0]["id"] == command["id"]
    assert await alice.get("/api/conversations") == {"conversations": []}


GOOD_TEXTS: Mapping[str, str] = {
    "t16_combining_run": "a" + "\u0301" * 64,
    "t16_bidi": "abc\u202edef",
    "t18_1": "a",
    "t18_8192": "a" * 8_192,
    "emoji": "👩‍👩‍👧 你好",
    "markup": "<script>alert(1)</script>",
}


@pytest.mark.parametrize("text", GOOD_TEXTS.values(), ids=GOOD_TEXTS.keys())
async def test_unusual_text_is_stored_as_it_is(alice: Visitor, model: Model, text: str) -> None:
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


async def test_t02_largest_frame_is_obeyed(alice: Visitor) -> None:
    command = json.dumps({"type": "subscribe", "conversation": new_id()})

    async with ChatClient(alice) as client:
        code = await client.error(command.ljust(LARGEST_FRAME))

    assert code == "not_found"


async def test_t02_larger_frame_ends_the_connection_and_nothing_else(alice: Visitor) -> None:
    async with ChatClient(alice) as client, ChatClient(alice) as other:
        await client.say("{}".ljust(LARGEST_FRAME + 1))
        code = await client.close_code()
        ended = await other.ask("Did you notice anything?")

    assert (code, ended["status"]) == (1009, "done")
    assert not alice.server.complaints
