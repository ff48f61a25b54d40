"""Plays recorded responses, byte by byte as they stand in tests/recordings, on a real socket."""

import asyncio
import json
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.openai_http import read_request
from tests.openai_replies import JsonObject

RECORDINGS = Path(__file__).with_name("recordings")


def recorded(name: str) -> bytes:
    """A response such as `openai/greeting`. The lines of its head end as HTTP wants it."""
    text = (RECORDINGS / f"{name}.http").read_text(encoding="utf-8")
    head, _, body = text.partition("\n\n")
    return (head.replace("\n", "\r\n") + "\r\n\r\n" + body).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to the server. Header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: JsonObject


class ReplayServer:
    """`async with ReplayServer("openai/tool_call", "openai/answer") as server`: one response a
    request, in this order, each in pieces of `piece_bytes` and ended by closing the connection."""

    def __init__(self, *names: str, piece_bytes: int = 65_536) -> None:
        self.asked: list[Asked] = []
        self._responses = deque(recorded(name) for name in names)
        self._piece_bytes = piece_bytes

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # the client has heard enough
            request = await read_request(reader, b"")
            if request:
                body = json.loads(request.body)
                self.asked.append(
                    Asked(path=request.path, headers=dict(request.headers), body=body)
                )
                await self._play(self._responses.popleft(), writer)
        writer.close()

    async def _play(self, response: bytes, writer: asyncio.StreamWriter) -> None:
        for start in range(0, len(response), self._piece_bytes):
            writer.write(response[start : start + self._piece_bytes])
            await writer.drain()
            await asyncio.sleep(0)  # so that the reader gets the pieces apart
