"""The documents say what the code does: settings, frames, codes, commands and links."""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest
from django.core.management import get_commands
from prometheus_client import Counter, Gauge, Histogram

from chat import metrics, wire_format
from chat.commands import READERS, CommandError, parse_command
from chat.consumers import LOSS_CODES
from chat.frame_errors import SENTENCES
from chat.turn.cursor import Cursor
from chat.turn.events import (
    Block,
    Ended,
    Found,
    JsonValue,
    LogEvent,
    Notice,
    Outcome,
    Restarted,
    Searching,
    Source,
    Started,
    TextDelta,
    Usage,
)
from chat.wire_format import (
    Accepted,
    ConversationEntry,
    ConversationView,
    MessageView,
    TurnView,
)
from tests.chat_client import Frame, Reply, cursor_of

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
READMES = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-hans.md")]
NOT_OURS = {".venv", ".git", ".node", "var", "node_modules"}
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not NOT_OURS.intersection(path.relative_to(ROOT).parts)
    and not path.relative_to(ROOT).parts[0].startswith(".")
)

ID = UUID("019a0c5e-3f10-7c41-9d2b-6a1f0e8b7c01")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
AFTER, CURSOR = Cursor(1, 1), Cursor(1, 2)
SOURCE = Source(
    answer=str(ID),
    version=3,
    title="Why?",
    expert="Alice",
    role="Therapist",
    reviewed_at=date(2026, 5, 1),
    overdue=False,
    score=0.91,
    text="Because.",
    url="https://example.org/",
)
OUTCOME = Outcome(
    status="failed",
    grounding="answer",
    sources=(SOURCE,),
    suggestions=("How?",),
    usage=Usage(input_tokens=8, output_tokens=2, estimated=False),
    error="internal",
)
MESSAGE = MessageView(
    id=ID,
    role="assistant",
    text="Because.",
    html="<p>Because.</p>",
    parent=ID,
    status="failed",
    finish="stop",
    grounding="answer",
    sources=[wire_format.source_object(SOURCE)],
    suggestions=["How?"],
    usage=wire_format.usage_object(OUTCOME.usage),
    error="internal",
    at=NOON,
    rev=42,
)
BLOCK = Block(start=0, end=8, html="<p>Because.</p>")
EVENTS: tuple[LogEvent, ...] = (
    Started(),
    Searching(question="Why?"),
    Found(hits=6),
    BLOCK,
    Notice(code="upstream_timeout", retry_ms=0),
    Restarted(keep=0, why="worker_lost"),
)
FRAMES = [
    wire_format.welcome(server="b3", mode="model", name="alice", signed_in=True, ping_seconds=20),
    wire_format.sync(
        ConversationView(
            conversation=ID,
            rev=42,
            full=True,
            title="Why?",
            messages=(MESSAGE,),
            turn=TurnView(id=ID, message=ID, status="running", attempt=1, last=None),
        )
    ),
    wire_format.accepted(
        Accepted(id=ID, conversation=ID, rev=42, turn=ID, message=ID, duplicate=False)
    ),
    wire_format.text(ID, after=AFTER, cursor=CURSOR, text="Because."),
    *(wire_format.logged(ID, after=AFTER, cursor=CURSOR, event=event) for event in EVENTS),
    wire_format.snapshot(ID, cursor=CURSOR, text="Because.", blocks=[BLOCK]),
    wire_format.logged(
        ID,
        after=AFTER,
        cursor=CURSOR,
        event=Ended(outcome=OUTCOME, rev=42, length=8, sha256="0f4c1e7ab2d93658"),
    ),
    wire_format.stored_end(ID, after=AFTER, cursor=CURSOR, reply=MESSAGE),
    wire_format.changed(ID, 42),
    wire_format.done(ID),
    wire_format.error(id_=str(ID), code="busy", message="Busy.", request="4f1c9a7be203"),
    wire_format.ping(12),
    wire_format.bye("draining", 640),
]

Object = dict[str, JsonValue]


def fenced(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def examples() -> list[Object]:
    """The JSON examples of protocol.md, one a line."""
    return [json.loads(line) for block in fenced(PROTOCOL, "json") for line in block.splitlines()]


def kind_of(frame: Object) -> str:
    """A frame's type; for an event, its kind too."""
    event = frame.get("event")
    kind = f" {event['kind']}" if isinstance(event, dict) else ""
    return f"{frame.get('type')}{kind}"


def key_paths(value: JsonValue, prefix: str = "") -> Iterator[str]:
    """The keys of objects in `value`, with those that lead to them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{prefix}{key}"
            yield from key_paths(inner, f"{prefix}{key}.")
    if isinstance(value, list):
        for inner in value:
            yield from key_paths(inner, prefix)


def all_paths(values: Sequence[JsonValue]) -> set[str]:
    return {path for value in values for path in key_paths(value)}


def rows(text: str, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its two lines of header."""
    section = text.partition(f"\n{heading}\n")[2]
    table = re.search(r"^\|.*?(?=\n\n|\Z)", section, re.DOTALL | re.MULTILINE)
    lines = table[0].splitlines()[2:] if table else []
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def code_column(heading: str) -> list[str]:
    return [row[0].strip("`") for row in rows(PROTOCOL, heading)]


def sources_of(*folders: str) -> Iterator[ast.AST]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def constants(nodes: Sequence[ast.expr]) -> list[object]:
    return [node.value for node in nodes if isinstance(node, ast.Constant)]


# --- The protocol


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
    entry = wire_format.conversation_object(ConversationEntry(id=ID, title="Why?", rev=42, at=NOON))
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


# --- The configuration


def settings_read() -> dict[str, ast.Call]:
    """The calls of config/settings.py that read a setting, by its name."""
    tree = ast.parse((ROOT / "config/settings.py").read_text(encoding="utf-8"))
    return {
        str(constants(node.args)[0]): node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
    }


def settings_documented() -> dict[str, list[str]]:
    lines = re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", CONFIGURATION, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split(" | ")] for name, cells in lines}


SETTINGS = settings_read()


def default_of(call: ast.Call) -> str | None:
    """The default as written in the code; None where there is none or it is worked out."""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "default"]
    for node in (*call.args[1:2], *named):
        if isinstance(node, ast.Tuple) and called(call) == "choice":
            return str(constants(node.elts)[0])
        if isinstance(node, ast.Constant):
            return str(node.value)
    return None


def test_documented_settings_are_those_that_are_read() -> None:
    assert set(settings_documented()) == set(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_default_of_a_setting_is_the_documented_one(name: str) -> None:
    shown = settings_documented()[name][0]

    default = default_of(SETTINGS[name])

    if default is None:
        assert shown
        assert not re.fullmatch(r"`[^`]*`", shown)
    else:
        assert shown == f"`{default}`"


@pytest.mark.parametrize("name", SETTINGS)
def test_limits_of_a_setting_are_the_documented_ones(name: str) -> None:
    call = SETTINGS[name]
    limits = {keyword.arg: keyword.value for keyword in call.keywords}
    shown = settings_documented()[name][1]

    if {"least", "most"} <= limits.keys():
        least, most = constants([limits["least"], limits["most"]])
        assert shown == f"{least} to {most}"
    if called(call) == "choice":
        choices = constants(call.args[1].elts if isinstance(call.args[1], ast.Tuple) else [])
        assert shown == ", ".join(f"`{choice}`" for choice in choices)


def test_every_setting_has_an_example() -> None:
    lines = "".join(fenced(CONFIGURATION, "ini"))

    names = re.findall(r"^([A-Z_]+)=", lines, re.MULTILINE)

    assert {name.removesuffix("_FILE") for name in names} == set(SETTINGS)


# --- Operations


def test_metrics_to_watch_are_those_that_are_counted() -> None:
    families = [
        family
        for collector in vars(metrics).values()
        if isinstance(collector, Counter | Gauge | Histogram)
        for family in collector.collect()
    ]
    told = {f"{each.name}_total" if each.type == "counter" else each.name for each in families}

    assert {row[0].strip("`") for row in rows(OPERATIONS, "## What to watch")} == told


def test_close_codes_to_watch_exist() -> None:
    (closed,) = [row for row in rows(OPERATIONS, "## What to watch") if "closed" in row[0]]

    assert set(re.findall(r"\b4\d{3}\b", closed[2])) <= set(code_column("## Close codes"))


# --- The READMEs and all links


def without_texts(block: str) -> list[str]:
    """Commands of a block; what is asked in them may be in another language."""
    return [re.sub(r'"[^"]*"', '""', line) for line in block.splitlines()]


def test_both_readmes_have_the_same_sections_and_commands() -> None:
    english, chinese = READMES

    levels = [[len(mark) for mark in re.findall(r"^(#+) ", text, re.M)] for text in READMES]
    commands = [[without_texts(block) for block in fenced(text, "sh")] for text in READMES]
    linked = [set(re.findall(r"\]\(([^)]+)\)", text)) for text in READMES]

    assert levels[0] == levels[1]
    assert commands[0] == commands[1]
    assert linked[0] - linked[1] == {"README.zh-hans.md", "docs/images/chat-en.png"}
    assert linked[1] - linked[0] == {"README.md", "docs/images/chat-zh.png"}
    assert english.count("\n- ") == chinese.count("\n- ")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_make_targets_and_commands_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    targets = set(re.findall(r"(?:^|`|=\d+ )make ([a-z]+)", text, re.MULTILINE))
    commands = set(re.findall(r"manage\.py ([a-z_]+)", text))

    assert targets <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert commands <= get_commands().keys()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = path.parent / name if name else path
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_files_of_the_project_exist(path: Path) -> None:
    named = re.findall(
        r"`((?:chat|knowledge|config|tests|docs|sample|deploy|templates)/[\w./-]+)`",
        path.read_text(encoding="utf-8"),
    )

    missing = [name for name in named if not (ROOT / name).exists()]

    assert missing == [] or path.name.startswith("0003")  # it names the module that it rejects


def test_decisions_are_short() -> None:
    for path in sorted((ROOT / "docs/decisions").glob("*.md")):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40, path.name
