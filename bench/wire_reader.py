"""A socket that reads as fast as it can, and notes when each frame came. It is parsed later."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from bench.stamping_provider import STAMP
from tests.chat_client import PROTOCOL, Visitor, new_id
from tests.chat_reply import Frame
from tests.serving import ChatServer

PING = '{"type":"ping"'
LIMIT_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a socket is opened, and whose it is."""

    url: str
    socket_url: str
    cookie: str


class WireReader:
    """`frames` are all that came, each with the moment in nanoseconds."""

    def __init__(self, socket: ClientConnection) -> None:
        self.frames: list[tuple[int, str]] = []
        self._socket = socket
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, place: Place) -> Self:
        """Raises OSError, TimeoutError or websockets' errors."""
        socket = await connect(
            place.socket_url,
            origin=Origin(place.url),
            subprotocols=[Subprotocol(PROTOCOL)],
            additional_headers={"Cookie": place.cookie},
            compression=None,
            ping_interval=None,
            max_size=None,
        )
        return cls(socket)

    @classmethod
    async def of(cls, visitor: Visitor, server: ChatServer) -> Self:
        place = Place(url=server.url, socket_url=server.socket_url, cookie=visitor.cookie)
        return await cls.open(place)

    async def close(self) -> None:
        self._socket.transport.abort()
        await self._reading

    async def say(self, **command: Any) -> None:
        await self._socket.send(json.dumps(command))

    async def ask(self, text: str) -> Frame:
        """The `accepted` frame of a message in a new conversation."""
        id_, conversation = new_id(), new_id()
        await self.say(type="send", id=id_, conversation=conversation, text=text, parent=None)
        _, accepted = await self.frame('"type":"accepted"', id_)
        return accepted

    async def frame(self, *words: str) -> tuple[int, Frame]:
        """The first frame in which all these words are, and when it came."""
        async for moment, data in self._coming():
            if all(word in data for word in words):
                return moment, json.loads(data)
        raise RuntimeError("Frames come as long as somebody reads them.")

    async def told(self, turn: str, pieces: int) -> int:
        """The number of the event with which so many pieces of its text had come."""
        known = 0
        async for _, data in self._coming():
            known += len(STAMP.findall(data)) if is_text(data, turn) else 0
            if known >= pieces:
                return event_of(json.loads(data))
        raise RuntimeError("Frames come as long as somebody reads them.")

    async def reaches(self, turn: str, event: int) -> int:
        """When it was told of that event, or of a later one."""
        async for moment, data in self._coming():
            if turn in data and event_of(json.loads(data)) >= event:
                return moment
        raise RuntimeError("Frames come as long as somebody reads them.")

    async def _coming(self) -> AsyncIterator[tuple[int, str]]:
        """Every frame from the first one on, as they come. Raises TimeoutError."""
        position = 0
        while True:
            for each in self.frames[position:]:
                yield each
                position += 1
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), LIMIT_SECONDS)

    def delays(self, turn: str) -> list[tuple[int, float]]:
        """Of each piece of a turn's text: when it was sent, and its milliseconds until it came."""
        return [
            (sent, (moment - sent) / 1e6)
            for moment, data in self.frames
            if is_text(data, turn)
            for sent in map(int, STAMP.findall(data))
        ]

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for data in self._socket:
                text = str(data)
                self.frames.append((time.monotonic_ns(), text))
                self._news.set()
                if text.startswith(PING):
                    await self.say(type="pong", k=json.loads(text)["k"])


def is_text(data: str, turn: str) -> bool:
    return data.startswith('{"type":"text"') and turn in data


def event_of(frame: Frame) -> int:
    """The number of the event that it leads to; 0 for a frame that is of no turn."""
    cursor = frame.get("cursor")
    return int(cursor.split("-")[1]) if cursor else 0
