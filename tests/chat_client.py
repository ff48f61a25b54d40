"""A chat client for tests: one visitor's socket, by the client rules of docs/protocol.md."""

import asyncio
import json
import ssl
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, cast

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from tests.chat_reply import Frame, Reply, WrongFrameError, cursor_of
from tests.serving import ChatServer

PROTOCOL = "expertline.v1"
LIMIT_SECONDS = 30
PRIVATE_CHARACTERS = 12
"""Shorter texts stand in a log by chance."""

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For HTTP clients: to make one of their own takes each 30 ms, and none speaks TLS here."""

T = TypeVar("T")


class Entrance(Protocol):
    """Where sockets are opened: a server, or a proxy before it."""

    @property
    def url(self) -> str:
        """The origin to name."""
        ...

    @property
    def socket_url(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody with a session of their own at this server."""

    server: ChatServer
    cookie: str

    @classmethod
    async def arrive(cls, server: ChatServer) -> Self:
        """Whoever opens the page."""
        async with httpx2.AsyncClient(verify=NO_TLS) as http:
            page = await http.get(f"{server.url}/")
        page.raise_for_status()
        return cls(server=server, cookie=f"sessionid={page.cookies['sessionid']}")

    async def get(self, path: str) -> Any:
        """What the server answers in JSON."""
        async with httpx2.AsyncClient(headers={"Cookie": self.cookie}, verify=NO_TLS) as http:
            response = await http.get(f"{self.server.url}{path}")
        return response.json()

    async def finished(self, message: str) -> Frame:
        """A reply as it is stored, once it is complete."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while (stored := await self.get(f"/api/messages/{message}"))["status"] == "running":
                await asyncio.sleep(0.02)
        return cast(Frame, stored)


class ChatClient:
    """Connected while the `async with` block runs. `frames` are all that ever came, in order.

    Without `pongs` it falls silent, as a client that has lost its way. `gaps` counts frames that
    did not continue what it had, `repeats` those that it had already.
    """

    def __init__(
        self,
        visitor: Visitor,
        *,
        pongs: bool = True,
        language: str | None = None,
        entrance: Entrance | None = None,
    ) -> None:
        self.visitor = visitor
        self.entrance: Entrance = entrance or visitor.server
        self.frames: list[Frame] = []
        self.bytes_received = 0
        self.gaps = 0
        self.repeats = 0
        self.pongs = pongs
        self.patient = False
        """Whether `until` waits on after the connection is lost."""
        self._headers = {"Cookie": visitor.cookie}
        if language is not None:
            self._headers["Accept-Language"] = language
        self.replies: dict[str, Reply] = {}
        self._told: dict[str, Frame] = {}
        """Messages by their ids, as the last `sync` with them said."""
        self._talks: dict[str, str] = {}
        """Turn: its conversation."""
        self._messages_of_turns: dict[str, str] = {}
        self._revisions: dict[str, int] = {}
        self._running: dict[str, str] = {}
        """Conversation: the turn that the client last heard of."""
        self._awaiting: Counter[str] = Counter()
        """Syncs that conversations were asked for and have not had."""
        self.unaccepted: dict[str, Frame] = {}
        self.sent: dict[str, str] = {}
        """Messages by their ids, but for those that were refused as `busy`."""
        self._news = asyncio.Condition()
        self._socket: ClientConnection | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._connected = False

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.leave()
        if error is None and self.gaps:
            raise WrongFrameError(f"{self.gaps} times something was missing.")

    async def connect(self, entrance: Entrance | None = None) -> None:
        """A new socket; what was not accepted is sent again, and what was followed is resumed.

        At the `entrance`, if one is given, and at the last one else.
        """
        self.entrance = entrance or self.entrance
        welcomes = len(self.all_of("welcome"))
        self._socket = await connect(
            self.entrance.socket_url,
            origin=Origin(self.entrance.url),
            subprotocols=[Subprotocol(PROTOCOL)],
            additional_headers=self._headers,
            compression=None,
            ping_interval=None,
            max_size=None,
        )
        self._connected = True
        self._awaiting.clear()
        self._receiving = asyncio.create_task(self._receive(self._socket))
        await self._until(lambda: len(self.all_of("welcome")) > welcomes, patient=False)
        await self.resend()
        for conversation in list(self._revisions):
            await self.subscribe(conversation)

    async def resend(self) -> None:
        """Send again what was not accepted."""
        for command in list(self.unaccepted.values()):
            await self.say(command)

    async def leave(self) -> None:
        """Close the socket as a browser does."""
        if self._socket and self._receiving:
            await self._socket.close()
            await self._receiving

    async def vanish(self) -> None:
        """Lose the connection without a word."""
        assert self._socket
        assert self._receiving
        self._socket.transport.abort()
        await self._receiving

    async def close_code(self) -> int | None:
        """The code that the server closed the connection with, once it has."""
        assert self._socket
        async with asyncio.timeout(LIMIT_SECONDS):
            await self._socket.wait_closed()
        return self._socket.close_code

    async def say(self, command: Frame | str | bytes) -> None:
        assert self._socket
        if not isinstance(command, dict):
            await self._socket.send(command)
            return
        if len(text := str(command.get("text", ""))) >= PRIVATE_CHARACTERS:
            self.visitor.server.private.add(text)
        await self._socket.send(json.dumps(command, ensure_ascii=False))

    async def send(
        self,
        text: str,
        *,
        conversation: str | None = None,
        parent: str | None = None,
        **fields: str,
    ) -> Frame:
        """Ask something; the `accepted` frame. Without a conversation, in a new one."""
        command = send_command(text, conversation=conversation, parent=parent, **fields)
        await self.say(self.note_unaccepted(command))
        return await self.frame("accepted", id=command["id"])

    def note_unaccepted(self, command: Frame) -> Frame:
        """Put a message into the outbox: it is sent after every welcome until it is accepted."""
        self.unaccepted[command["id"]] = command
        self.sent[command["id"]] = command["text"]
        return command

    async def ask(
        self, text: str, *, conversation: str | None = None, parent: str | None = None
    ) -> Frame:
        """Ask something; the `end` frame of the reply."""
        accepted = await self.send(text, conversation=conversation, parent=parent)
        return await self.end_of(accepted["turn"])

    async def subscribe(self, conversation: str, **fields: object) -> None:
        """With what the client has of the conversation, unless `fields` say otherwise."""
        turn = self._running.get(conversation)
        position = {"id": turn, "cursor": self.cursor_of(turn)} if turn else None
        known: Frame = {"rev": self._revisions.get(conversation, 0), "turn": position}
        self._revisions.setdefault(conversation, 0)
        self._awaiting[conversation] += 1
        await self.say({"type": "subscribe", "conversation": conversation} | known | fields)

    def remember(self, conversation: str, frames: Sequence[Frame]) -> None:
        """Begin with what another client was told of a turn of this conversation."""
        for frame in frames:
            self.reply(frame["turn"]).apply(frame)
            self._running[conversation] = frame["turn"]
            self._talks[frame["turn"]] = conversation

    async def frame(self, kind: str, **fields: object) -> Frame:
        """The first frame of this kind with these fields, which may have come already."""
        return await self.until(lambda: next(iter(self.all_of(kind, **fields)), None))

    async def error(self, command: Frame | str | bytes) -> str:
        """Say something that is refused; the code of the next error."""
        errors = len(self.all_of("error"))
        await self.say(command)
        await self.until(lambda: len(self.all_of("error")) > errors)
        return str(self.all_of("error")[errors]["code"])

    async def end_of(self, turn: str, seconds: float = LIMIT_SECONDS) -> Frame:
        return await self.until(lambda: self.reply(turn).end, seconds)

    async def until(self, fact: Callable[[], T | None], seconds: float = LIMIT_SECONDS) -> T:
        """What `fact` gives, as soon as that is something. It is asked after every frame."""
        return await self._until(fact, seconds, patient=self.patient)

    async def _until(
        self, fact: Callable[[], T | None], seconds: float = LIMIT_SECONDS, *, patient: bool
    ) -> T:
        async with asyncio.timeout(seconds), self._news:
            while not (value := fact()):
                if not (patient or self._connected):
                    raise ConnectionError(f"The connection ended after {self.frames[-3:]}")
                await self._news.wait()
        return value

    @property
    def conversations(self) -> list[str]:
        """What it follows."""
        return list(self._revisions)

    def answered(self) -> bool:
        """Whether a command was accepted or refused."""
        return bool(self.all_of("accepted") or self.all_of("error"))

    def all_of(self, kind: str, **fields: object) -> list[Frame]:
        return [
            frame
            for frame in self.frames
            if frame["type"] == kind
            and all(frame.get(name) == value for name, value in fields.items())
        ]

    def frames_of(self, turn: str) -> list[Frame]:
        """Everything that was said of a turn's reply."""
        return [frame for frame in self.frames if frame.get("turn") == turn and "cursor" in frame]

    def conversation_of(self, turn: str) -> str:
        """Of a turn that the client has heard of, which need not run any more."""
        return self._talks[turn]

    def reply(self, turn: str) -> Reply:
        return self.replies.setdefault(turn, Reply())

    def text_of(self, turn: str) -> str:
        return self.reply(turn).text

    def finished(self, turn: str) -> tuple[str, str] | None:
        """Status and text of a reply, told by its `end` or, to who came too late, by a `sync`."""
        reply = self.reply(turn)
        if reply.end:
            return str(reply.end["status"]), reply.text
        told = self._told.get(self._messages_of_turns.get(turn, ""))
        return (told["status"], told["text"]) if told and told["status"] != "running" else None

    def cursor_of(self, turn: str) -> str:
        return "{}-{}".format(*self.reply(turn).cursor)

    async def _receive(self, socket: ClientConnection) -> None:
        try:
            async for data in socket:
                frame = json.loads(data)
                self.bytes_received += len(data.encode() if isinstance(data, str) else data)
                with suppress(
                    ConnectionClosed
                ):  # too late to answer, but there may be more to read
                    await self._take(frame)
                async with self._news:
                    self.frames.append(frame)
                    self._news.notify_all()
        except ConnectionClosed:
            pass
        finally:
            self._connected = False
            async with self._news:
                self._news.notify_all()

    async def _take(self, frame: Frame) -> None:
        match frame["type"]:
            case "ping" if self.pongs:
                await self.say({"type": "pong", "k": frame["k"]})
            case "accepted":
                self.unaccepted.pop(frame["id"], None)
                self._note_revision(frame)
                self._follow_turn(frame["conversation"], frame["turn"], frame["message"])
            case "error" if frame["code"] == "busy" and frame["id"] in self.unaccepted:
                del self.unaccepted[frame["id"]], self.sent[frame["id"]]
            case "error" if frame["id"] is None:
                self._take_refused_subscription()
            case "sync":
                self._awaiting[frame["conversation"]] -= 1
                self._note_revision(frame)
                self._told |= {message["id"]: message for message in frame["messages"]}
                if turn := frame["turn"]:
                    self._follow_turn(frame["conversation"], turn["id"], turn["message"])
            case "text" | "event" | "snapshot" | "end":
                await self._take_piece(frame)

    def _take_refused_subscription(self) -> None:
        """It does not say which: no `sync` is counted on any more."""
        self._awaiting.clear()

    async def _take_piece(self, frame: Frame) -> None:
        reply = self.reply(frame["turn"])
        if self._awaiting[self._talks[frame["turn"]]] > 0:
            return  # it comes again after the sync
        if cursor_of(frame["cursor"]) <= reply.cursor:
            self.repeats += 1
            return
        if frame["type"] != "snapshot" and cursor_of(frame["after"]) != reply.cursor:
            self.gaps += 1
            await self.subscribe(self._talks[frame["turn"]])
            return
        reply.apply(frame)

    def _follow_turn(self, conversation: str, turn: str, message: str) -> None:
        self._running[conversation] = turn
        self._talks[turn] = conversation
        self._messages_of_turns[turn] = message

    def _note_revision(self, frame: Frame) -> None:
        known = self._revisions.get(frame["conversation"], 0)
        self._revisions[frame["conversation"]] = max(known, frame["rev"])


def send_command(
    text: str, *, conversation: str | None = None, parent: str | None = None, **fields: str
) -> Frame:
    return {
        "type": "send",
        "id": new_id(),
        "conversation": conversation or new_id(),
        "text": text,
        "parent": parent,
    } | fields


def new_id() -> str:
    return str(uuid.uuid4())
