"""A chat client without sockets, for tests: commands by POST, replies as server-sent events."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import httpx2

from tests.chat_client import LIMIT_SECONDS, NO_TLS, Visitor, send_command
from tests.chat_reply import Frame, Reply
from tests.serving import ChatServer

PIECES = {"text", "event", "snapshot", "end"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One server-sent event; `comment` alone is set for a comment."""

    kind: str = ""
    id: str | None = None
    data: str = ""
    comment: bool = False

    @property
    def frame(self) -> Frame:
        frame: Frame = json.loads(self.data)
        return frame


class EventClient:
    """A visitor at a server, the visitor's own if no other is named."""

    def __init__(self, http: httpx2.AsyncClient, server: ChatServer) -> None:
        self.http = http
        self._server = server

    @classmethod
    @asynccontextmanager
    async def of(cls, visitor: Visitor, server: ChatServer | None = None) -> AsyncIterator[Self]:
        at = server or visitor.server
        async with httpx2.AsyncClient(
            base_url=at.url,
            headers={"Cookie": visitor.cookie},
            timeout=LIMIT_SECONDS,
            verify=NO_TLS,
        ) as http:
            yield cls(http, at)

    async def say(self, command: Frame, **headers: str) -> httpx2.Response:
        self._keep_private(command)
        return await self.http.post("/api/chat", json=command, headers=headers)

    async def send(self, text: str, **fields: str) -> Frame:
        """Ask something; what `accepted` says."""
        response = await self.say(send_command(text, **fields))
        assert response.status_code == 200, response.text
        accepted: Frame = response.json()
        return accepted

    @asynccontextmanager
    async def asking(self, command: Frame) -> AsyncIterator[AsyncGenerator[Told, None]]:
        """Ask something, and be told the reply in the response."""
        self._keep_private(command)
        headers = {"Accept": "text/event-stream"}
        async with self.http.stream("POST", "/api/chat", json=command, headers=headers) as response:
            yield events(response)

    @asynccontextmanager
    async def following(
        self, turn: str, cursor: str | None = None
    ) -> AsyncIterator[AsyncGenerator[Told, None]]:
        headers = {"Last-Event-ID": cursor} if cursor else {}
        async with self.http.stream("GET", events_path(turn), headers=headers) as response:
            assert response.status_code == 200
            stream = events(response)  # kept, for without it the response is closed
            yield stream

    async def told(self, turn: str, cursor: str | None = None) -> list[Told]:
        """All pieces of the reply that come in one response."""
        async with self.following(turn, cursor) as stream:
            return [each async for each in stream if each.kind in PIECES]

    async def events(
        self, turn: str, *, headers: Mapping[str, str] | None = None, query: str = ""
    ) -> httpx2.Response:
        """A response that is read as a whole."""
        return await self.http.get(events_path(turn) + query, headers=dict(headers or {}))

    def _keep_private(self, command: Frame) -> None:
        if text := str(command.get("text", "")).strip():
            self._server.private.update({text} if len(text) > 12 else ())


def events_path(turn: str) -> str:
    return f"/api/turns/{turn}/events"


async def events(response: httpx2.Response) -> AsyncGenerator[Told, None]:
    """As they come; the hint how soon to come back is left out."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line.startswith(":"):
            yield Told(comment=True)
        elif line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield Told(kind=fields["event"], id=fields.get("id"), data=fields["data"])
            fields = {}


def reply_of(told: list[Told]) -> Reply:
    """What a client has that was told so. It checks what `end` says of the text."""
    reply = Reply()
    for each in told:
        reply.apply(each.frame)
    return reply
