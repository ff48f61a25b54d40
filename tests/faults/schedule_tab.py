"""A tab that does what a schedule says, and by itself only what the chat page does."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.chat_client import ChatClient, Entrance, Visitor, new_id
from tests.chat_reply import Frame, WrongFrameError, cursor_of

LOST = (OSError, EOFError, InvalidHandshake, ConnectionClosed)
ANSWER_SECONDS = 30


@dataclass(slots=True)
class Wire:
    """What was said and heard on one socket, in order."""

    entries: list[tuple[Literal["said", "heard"], Frame]] = field(default_factory=list)
    silent_from: dict[str, int] = field(default_factory=dict)
    """Conversations that were followed no longer from this entry on."""

    def said(self, **fields: object) -> list[Frame]:
        return list(self._with("said", fields))

    def heard(self, **fields: object) -> list[Frame]:
        return list(self._with("heard", fields))

    def answers(self, id_: str) -> list[Frame]:
        """To `send`s and `regenerate`s with this id; commands are obeyed in order."""
        return [each for each in self.heard(id=id_) if each["type"] in {"accepted", "error"}]

    def refusals(self) -> list[str]:
        """Codes of errors that name no command."""
        return [each["code"] for each in self.heard(type="error", id=None)]

    def _with(self, way: str, fields: Frame) -> Iterator[Frame]:
        for each, frame in self.entries:
            if each == way and all(frame.get(key, ...) == fields[key] for key in fields):
                yield frame


class ScheduledTab(ChatClient):
    """`messages` are what it shows of each conversation, by their ids; `wires` its sockets."""

    def __init__(self, name: str, owner: str, visitor: Visitor) -> None:
        super().__init__(visitor)
        self.name = name
        self.owner = owner
        self.wires: list[Wire] = []
        self.wrongs: list[str] = []
        self.away = False
        self.cut_off = False
        """It will be, or has been, by a proxy: who knows when."""
        self.messages: dict[str, dict[str, Frame]] = {}
        self._reply_ids: dict[str, str] = {}
        self._conversation_ids: dict[str, str] = {}
        self._catching_up: set[str] = set()

    @property
    def connected(self) -> bool:
        return self._connected

    @property
    def wire(self) -> Wire:
        return self.wires[-1]

    def revision(self, conversation: str) -> int:
        return self._revisions[conversation]

    def running(self, conversation: str) -> str | None:
        """The turn that it heard of last."""
        return self._running.get(conversation)

    async def come(self, entrance: Entrance) -> bool:
        """Whether it got so far as to say what clients say first."""
        try:
            await self.connect(entrance)
        except LOST:
            return False
        return True

    async def go(self, *, cleanly: bool) -> None:
        if self._socket:
            await (self.leave() if cleanly else self.vanish())

    async def put(self, command: Frame) -> None:
        """Into the outbox, and onto the wire if there is one."""
        self.unaccepted[command["id"]] = command
        self.sent[command["id"]] = command.get("text", "")
        await self.try_to_say(command)

    async def try_to_say(self, command: Frame) -> bool:
        """Whether there was a connection to say it on."""
        try:
            if self._connected:
                await self.say(command)
        except ConnectionClosed:
            return False
        return self._connected

    async def answer(self, id_: str) -> Frame | None:
        """To what was said last with this id; None if the connection was lost before it came."""
        wire = self.wire
        number = len(wire.said(id=id_)) - 1
        try:
            found = await self.until(lambda: wire.answers(id_)[number:], ANSWER_SECONDS)
        except ConnectionError:
            return None
        return found[0]

    async def refusal(self, command: Frame) -> str | None:
        """The code with which a command without an id is refused, if it is."""
        wire, known = self.wire, len(self.wire.refusals())
        await self.try_to_say(command)
        await self.obeyed()
        refused = next(iter(wire.refusals()[known:]), None)
        if refused:
            wire.entries.remove(("said", command))
        return refused

    async def obeyed(self) -> bool:
        """Whether the connection lasted until everything said before was obeyed."""
        id_ = new_id()
        marker = {"type": "notify", "id": id_, "message": new_id(), "wanted": True}
        if not await self.try_to_say(marker):
            return False
        return await self.answer(id_) is not None

    def forget(self, conversation: str) -> None:
        """Follow it no longer, and know nothing of it."""
        self._revisions.pop(conversation, None)
        self._running.pop(conversation, None)
        self.messages.pop(conversation, None)

    async def connect(self, entrance: Entrance | None = None) -> None:
        self.wires.append(Wire())
        self._catching_up.clear()
        await super().connect(entrance)

    async def say(self, command: Frame | str | bytes) -> None:
        if isinstance(command, dict):
            self.wire.entries.append(("said", command))
        await super().say(command)

    async def _take(self, frame: Frame) -> None:
        self.wire.entries.append(("heard", frame))
        if frame["type"] == "accepted":
            self._note_turn(frame["turn"], frame["message"], frame["conversation"])
        elif frame["type"] == "sync" and frame["turn"]:
            turn = frame["turn"]
            self._note_turn(turn["id"], turn["message"], frame["conversation"])
        try:
            await super()._take(frame)
        except WrongFrameError as error:
            self.wrongs.append(str(error))
        await self._follow_up(frame)

    async def _follow_up(self, frame: Frame) -> None:
        match frame["type"]:
            case "sync":
                self._take_sync(frame)
            case "accepted":
                await self._take_accepted(frame)
            case "changed" if frame["rev"] > self._revisions.get(
                frame["conversation"], frame["rev"]
            ):
                await self.subscribe(frame["conversation"])
            case "error":
                self.unaccepted.pop(frame["id"], None)

    async def _take_accepted(self, frame: Frame) -> None:
        conversation = frame["conversation"]
        if frame["duplicate"] or not self._advance(conversation, frame["rev"]):
            await self.subscribe(conversation)
            return
        shown = self.messages.setdefault(conversation, {})
        if text := self.sent.get(frame["id"]):
            shown[frame["id"]] = {"role": "user", "text": text, "status": "done"}
        shown[frame["message"]] = {"role": "assistant", "text": "", "status": "running"}

    def _take_sync(self, frame: Frame) -> None:
        conversation = frame["conversation"]
        self._catching_up.discard(conversation)
        if conversation not in self._revisions:
            return
        self._revisions[conversation] = frame["rev"]
        shown = {} if frame["full"] else self.messages.get(conversation, {})
        self.messages[conversation] = shown | {each["id"]: each for each in frame["messages"]}

    async def _take_piece(self, frame: Frame) -> None:
        reply = self.reply(frame["turn"])
        if cursor_of(frame["cursor"]) <= reply.cursor:
            self.repeats += 1
        elif frame["type"] == "snapshot" or cursor_of(frame["after"]) == reply.cursor:
            reply.apply(frame)
            if frame["type"] == "end":
                await self._take_end(frame)
        else:
            await self._catch_up(self._conversation_ids[frame["turn"]])

    async def _take_end(self, frame: Frame) -> None:
        conversation = self._conversation_ids[frame["turn"]]
        if conversation not in self._revisions:
            return
        ended = {"role": "assistant", "text": self.text_of(frame["turn"])}
        shown = self.messages.setdefault(conversation, {})
        shown[self._reply_ids[frame["turn"]]] = ended | {"status": frame["status"]}
        if not self._advance(conversation, frame["rev"]):
            await self.subscribe(conversation)

    async def _catch_up(self, conversation: str) -> None:
        """Where a subscription overlaps the one before it: ask again, once until the answer."""
        if conversation in self._revisions and conversation not in self._catching_up:
            self._catching_up.add(conversation)
            self.gaps += 1
            await self.subscribe(conversation)

    def _advance(self, conversation: str, rev: int) -> bool:
        """Take note of a revision told by other means than `sync`. False if it is not the next."""
        if rev == self._revisions[conversation] + 1:
            self._revisions[conversation] = rev
        return rev <= self._revisions[conversation]

    def _note_turn(self, turn: str, reply: str, conversation: str) -> None:
        self._reply_ids[turn] = reply
        self._conversation_ids[turn] = conversation

    def _note_revision(self, frame: Frame) -> None:
        """Here a revision is known only when all before it are."""
        if frame["type"] == "accepted":
            self._revisions.setdefault(frame["conversation"], 0)
