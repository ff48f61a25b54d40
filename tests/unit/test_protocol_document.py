"""docs/protocol.md tells the truth: its frames, commands, codes and reconnects."""

import ast
import json
import re
from typing import get_args

import pytest

from chat import wire_format
from chat.commands import READERS, CommandError, parse_command
from chat.consumers import LOSS_CODES
from chat.frame_errors import SENTENCES
from chat.turn.events import Ended, JsonValue, LogEvent, TextDelta
from chat.wire_format import ConversationEntry
from tests.chat_reply import Frame, Reply, cursor_of
from tests.unit.documents import (
    PROTOCOL,
    ROOT,
    all_paths,
    called,
    code_column,
    constants,
    fenced,
    rows,
    sources_of,
)
from tests.unit.example_frames import EVENTS, FRAMES, ID, NOON

Object = dict[str, JsonValue]


def examples() -> list[Object]:
    """The JSON examples of protocol.md, one a line."""
    return [json.loads(line) for block in fenced(PROTOCOL, "json") for line in block.splitlines()]


def kind_of(frame: Object) -> str:
    """A frame's type; for an event, its kind too."""
    event = frame.get("event")
    kind = f" {event['kind']}" if isinstance(event, dict) else ""
    return f"{frame.get('type')}{kind}"


def test_every_frame_of_the_server_is_among_those_compared_here() -> None:
    written = {
        value.value
        for node in ast.walk(ast.parse((ROOT / "chat/wire_format.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "type" and isinstance(value, ast.Constant)
    }

    assert written == {json.loads(frame)["type"] for frame in FRAMES}
    assert {type(event) for event in EVENTS} == set(get_args(LogEvent)) - {TextDelta, Ended}


@pytest.mark.parametrize("encoded", FRAMES, ids=lambda frame: kind_of(json.loads(frame)))
def test_examples_of_a_frame_have_exactly_its_keys(encoded: str) -> None:
    frame = json.loads(encoded)
    shown = [example for example in examples() if kind_of(example) == kind_of(frame)]

    assert shown
    assert all(example.keys() == frame.keys() for example in shown)
    assert all_paths(shown) == all_paths([frame])


def test_every_frame_and_kind_of_event_has_its_place() -> None:
    headings = set(re.findall(r"^### `(\w+)`$", PROTOCOL, re.MULTILINE))
    kinds = set(code_column("### `event`"))

    assert headings == READERS.keys() | {json.loads(frame)["type"] for frame in FRAMES}
    assert kinds == {str(wire_format.event_object(event)["kind"]) for event in EVENTS}


@pytest.mark.parametrize("command", READERS)
def test_examples_of_a_command_have_exactly_its_fields_and_are_obeyed(command: str) -> None:
    shown = [example for example in examples() if example.get("type") == command]

    assert {key for example in shown for key in example} == READERS[command][0]
    for example in shown:
        parse_command(json.dumps(example))


def test_no_example_is_of_an_unknown_type() -> None:
    known = READERS.keys() | {json.loads(frame)["type"] for frame in FRAMES}

    assert {example["type"] for example in examples() if "type" in example} == known


def test_a_field_beyond_the_documented_ones_is_refused() -> None:
    for example in examples():
        if example.get("type") in READERS:
            with pytest.raises(CommandError, match="unknown_field"):
                parse_command(json.dumps({**example, "owner": 1}))


RECONNECTS = ("### To another process", "### After a process was lost", "### When the log is gone")


@pytest.mark.parametrize("heading", RECONNECTS)
def test_reconnect_that_is_shown_brings_the_whole_reply(heading: str) -> None:
    """By the client rules, and with the checksum at the end; `Reply` raises if it is wrong."""
    before = shown_below("## A reconnect, frame by frame")
    after = shown_below(heading)
    reply = Reply()

    for frame in [*before, *after]:
        if "cursor" in frame:
            assert frame["type"] == "snapshot" or cursor_of(frame["after"]) == reply.cursor
            reply.apply(frame)

    (resumed,) = [frame for frame in after if frame["type"] == "subscribe"]
    assert resumed["turn"]["cursor"] == before[-1]["cursor"]
    assert reply.end is not None
    assert reply.blocks[-1]["end"] == reply.end["length"]


def shown_below(heading: str) -> list[Frame]:
    """The examples between a heading and the next; without the second answer to a `send`."""
    section = re.split(r"\n#+ ", PROTOCOL.partition(f"\n{heading}\n")[2])[0]
    frames = [json.loads(line) for block in fenced(section, "json") for line in block.splitlines()]
    return [frame for frame in frames if not frame.get("duplicate")]


def test_list_of_conversations_is_as_shown() -> None:
    listed = ConversationEntry(id=ID, title="Why?", rev=42, at=NOON, token="x")
    entry = wire_format.conversation_object(listed, site="https://example.org")
    shown = [example for example in examples() if "conversations" in example]

    assert all_paths(shown) == all_paths([{"conversations": [entry]}])


def test_error_codes_are_those_that_have_a_sentence() -> None:
    assert sorted(code_column("## Error codes")) == sorted(SENTENCES)


def test_every_code_that_is_raised_has_a_sentence() -> None:
    raised = {
        str(code)
        for node in sources_of("chat")
        if isinstance(node, ast.Call) and called(node) in {"CommandError", "BadJsonError", "refuse"}
        for code in constants(node.args[:1])
        if re.fullmatch(r"[a-z_]+", str(code))  # management commands raise whole sentences
    }

    assert "bad_json" in raised
    assert raised <= SENTENCES.keys()


def test_turn_errors_are_those_that_a_turn_can_end_with() -> None:
    upstream = {
        node.value
        for node in sources_of("chat")
        if isinstance(node, ast.Constant) and re.fullmatch(r"upstream_[a-z_]+", str(node.value))
    }
    ours = {
        str(code)
        for node in sources_of("chat")
        if isinstance(node, ast.Call) and called(node) == "Outcome"
        for code in constants([key.value for key in node.keywords if key.arg == "error"])
    }

    assert set(code_column("## Turn errors")) == upstream | ours


def test_close_codes_are_those_that_the_server_sends() -> None:
    calls = [node for node in sources_of("chat", "config") if isinstance(node, ast.Call)]
    goodbyes = [constants(call.args) for call in calls if called(call) == "say_goodbye"]
    silent = [constants(call.args) for call in calls if called(call) == "_close"]

    sent = {(str(close), str(code)) for code, close in filter(None, goodbyes)}
    sent |= {(str(close), str(loss)) for loss, close in LOSS_CODES.items()}
    sent |= {(str(close), "none; an `error` with `version`") for (close,) in filter(None, silent)}

    assert sent == {
        (close, bye if bye.startswith("none") else bye.strip("`"))
        for close, bye, _ in rows(PROTOCOL, "## Close codes")
    }
