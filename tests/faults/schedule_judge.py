"""What must hold at the end of any schedule, whatever its order was."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from tests.chat_reply import Frame, utf16_length
from tests.faults.schedule_tab import ScheduledTab, Wire
from tests.faults.schedule_wires import broken_chains, contradictions
from tests.faults.schedule_world import Ask, World, code_of
from tests.openai_replies import calls_stamped_in
from tests.openai_server import Received

TURNS = """
SELECT id, key, status, attempt, last_event, reply_id, conversation_id FROM chat_turn
WHERE conversation_id = ANY(%s)
"""
MESSAGES = """
SELECT id, conversation_id, role, text, status, parent_id FROM chat_message
WHERE conversation_id = ANY(%s)
"""
REVISIONS = "SELECT id, rev FROM chat_conversation WHERE id = ANY(%s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTurn:
    id: str
    key: str
    status: str
    attempt: int
    last_event: int
    reply: str
    conversation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    conversation: str
    role: str
    text: str
    status: str
    parent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What Postgres has of a schedule's conversations, all by their ids; turns by their keys."""

    turns: dict[str, StoredTurn]
    messages: dict[str, StoredMessage]
    revisions: dict[str, int]

    @classmethod
    def of(cls, world: World) -> Self:
        connection = world.stage.connection
        wanted = [[UUID(each) for each in {ask.conversation for ask in world.asks}]]
        turns = [plain(row) for row in connection.execute(TURNS, wanted)]
        messages = [plain(row) for row in connection.execute(MESSAGES, wanted)]
        return cls(
            turns={row[1]: stored_turn(row) for row in turns},
            messages={row[0]: stored_message(row) for row in messages},
            revisions={str(id_): rev for id_, rev in connection.execute(REVISIONS, wanted)},
        )

    @property
    def settled(self) -> bool:
        return all(turn.status != "running" for turn in self.turns.values())

    def text_of(self, turn: StoredTurn) -> str:
        return self.messages[turn.reply].text


def plain(row: tuple[Any, ...]) -> list[Any]:
    return [str(each) if isinstance(each, UUID) else each for each in row]


def stored_turn(row: list[Any]) -> StoredTurn:
    names = ("id", "key", "status", "attempt", "last_event", "reply", "conversation")
    return StoredTurn(**dict(zip(names, row, strict=True)))


def stored_message(row: list[Any]) -> StoredMessage:
    names = ("conversation", "role", "text", "status", "parent")
    return StoredMessage(**dict(zip(names, row[1:], strict=True)))


def violations(world: World, truth: Truth) -> Iterator[str]:
    yield from world.wrongs
    for ask in world.asks:
        yield from (f"{ask.name}: {wrong}" for wrong in wrong_fates(world, ask, truth))
    yield from wrong_calls(world, truth)
    for tab in world.tabs:
        yield from (f"{tab.name}: {wrong}" for wrong in wrong_views(tab, truth))
        for number, wire in enumerate(tab.wires, 1):
            wrongs = [*broken_chains(wire), *strange_frames(wire, tab, world, truth)]
            yield from (f"{tab.name}, socket {number}: {wrong}" for wrong in wrongs)
    for turn in truth.turns.values():
        frames = [frame for tab in world.tabs for frame in tab.frames_of(turn.id)]
        told = contradictions(truth.text_of(turn), frames)
        yield from (f"turn {turn.id}: {wrong}" for wrong in told)


def wrong_fates(world: World, ask: Ask, truth: Truth) -> Iterator[str]:
    """Whatever was accepted is stored once, as it was said; whatever was not is not."""
    answers = [answer for wire in world.wires() for answer in wire.answers(ask.id)]
    accepted = [answer for answer in answers if answer["type"] == "accepted"]
    turn = truth.turns.get(ask.id)
    if [code_of(answer) for answer in accepted].count("accepted") > 1:
        yield "accepted as new twice"
    if any(
        answer | {"duplicate": True} != accepted[0] | {"duplicate": True} for answer in accepted
    ):
        yield "accepted in two ways"
    if turn is None:
        if accepted:
            yield "accepted and not stored"
        return
    if not accepted and not world.unanswered(ask):
        yield "refused and stored all the same"
    if accepted and (accepted[0]["turn"], accepted[0]["message"]) != (turn.id, turn.reply):
        yield "another turn is stored than was accepted"
    yield from wrong_question(ask, truth.messages.get(ask.id))
    yield from wrong_end(ask, turn)


def wrong_question(ask: Ask, stored: StoredMessage | None) -> Iterator[str]:
    if ask.command["type"] != "send":
        return
    if stored is None or stored.text != ask.question or stored.conversation != ask.conversation:
        yield f"stored as {stored}"
    elif "parent" in ask.command and stored.parent != ask.command["parent"]:
        yield f"its parent is {stored.parent}"


def wrong_end(ask: Ask, turn: StoredTurn) -> Iterator[str]:
    if turn.attempt != 1:
        yield f"{turn.attempt} attempts though nobody died"
    if turn.status not in {"done", "stopped"} or (turn.status == "stopped" and not ask.stops):
        yield f"its turn is {turn.status}"
    if ask.must_stop and turn.status != "stopped":
        yield f"it was stopped and is {turn.status}"


def wrong_calls(world: World, truth: Truth) -> Iterator[str]:
    """One call of the provider for each turn, and each reply is what its own call said."""
    asks = {ask.id: ask for ask in world.asks}
    calls = {call.number: call for call in world.calls()}
    for turn in truth.turns.values():
        if turn.key not in asks:
            yield f"nobody asked for turn {turn.id}"
            continue
        text = truth.text_of(turn)
        told = calls_stamped_in(text)
        call = calls.pop(min(told), None) if told else None
        if len(told) > 1 or (told and call is None):
            yield f"{asks[turn.key].name} has words of the calls {sorted(told)}"
        elif call is None and turn.status == "done":
            yield f"{asks[turn.key].name} is done with words of no call: {text!r}"
        elif call:
            yield from wrong_words(asks[turn.key], turn, text, call)
    silent = [turn for turn in truth.turns.values() if not truth.text_of(turn)]
    if len(calls) > len(silent):
        yield f"the calls {sorted(calls)} became no reply"


def wrong_words(ask: Ask, turn: StoredTurn, text: str, call: Received) -> Iterator[str]:
    whole = text == call.text if turn.status == "done" else call.text.startswith(text)
    if not whole or call.body["messages"][-1]["content"] != ask.question:
        yield f"{ask.name} ({turn.status}) says {text!r}, and call {call.number} {call.text!r}"
    if turn.status == "stopped" and not (call.disconnected.is_open() or call.answered.is_open()):
        yield f"call {call.number} goes on though {ask.name} was stopped"


def wrong_views(tab: ScheduledTab, truth: Truth) -> Iterator[str]:
    """What a tab shows is what is stored."""
    yield from tab.wrongs
    if tab.unaccepted:
        yield f"never answered: {list(tab.unaccepted)}"
    for conversation in tab.conversations:
        stored = {
            id_: (message.role, message.text, message.status)
            for id_, message in truth.messages.items()
            if message.conversation == conversation
        }
        shown = {
            id_: (message["role"], message["text"], message["status"])
            for id_, message in tab.messages.get(conversation, {}).items()
        }
        if shown != stored:
            yield f"shows {shown}, and stored is {stored}"
    by_id = {turn.id: turn for turn in truth.turns.values()}
    for id_, reply in tab.replies.items():
        if reply.end and id_ in by_id:
            yield from wrong_reply(tab, by_id[id_], truth)


def wrong_reply(tab: ScheduledTab, turn: StoredTurn, truth: Truth) -> Iterator[str]:
    reply, text = tab.reply(turn.id), truth.text_of(turn)
    if reply.text != text:
        yield f"shows {reply.text!r} for turn {turn.id}, and stored is {text!r}"
    if reply.cursor != (turn.attempt, turn.last_event):
        yield f"turn {turn.id} ended at {reply.cursor}, not at event {turn.last_event}"
    edges = [0, *(block["end"] for block in reply.blocks)]
    starts = [block["start"] for block in reply.blocks]
    if starts != edges[:-1] or edges[-1] != utf16_length(text):
        yield f"turn {turn.id} has the blocks {starts} to {edges[1:]} of {utf16_length(text)}"


def strange_frames(wire: Wire, tab: ScheduledTab, world: World, truth: Truth) -> Iterator[str]:
    """Frames about another visitor's, or about what is followed no longer."""
    mine = {ask.conversation for ask in world.asks if ask.owner == tab.owner}
    homes = {turn.id: turn.conversation for turn in truth.turns.values()}
    silent: set[str] = set()
    for position, (way, frame) in enumerate(wire.entries):
        silent |= {each for each, start in wire.silent_from.items() if start == position}
        if way == "said":
            silent -= followed_by(frame, silent)
        elif home := home_of(frame, homes):
            if home not in mine:
                yield f"was told of another visitor's: {frame}"
            if home in silent:
                yield f"was told of what it does not follow: {frame}"


def followed_by(command: Frame, silent: set[str]) -> set[str]:
    if command["type"] == "regenerate":
        return set(silent)
    return {command["conversation"]} if command["type"] in {"send", "subscribe"} else set()


def home_of(frame: Frame, homes: dict[str, str]) -> str | None:
    """The conversation that a frame is about."""
    if "conversation" in frame:
        return str(frame["conversation"])
    return homes.get(frame["turn"], "nobody's") if "turn" in frame else None
