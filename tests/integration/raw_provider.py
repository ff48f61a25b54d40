"""A provider that answers with the bytes a test chose, and the real model before it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from chat.llm.clocks import ModelClocks
from chat.llm.openai import OpenAILanguageModel
from chat.turn.events import TextDelta
from chat.turn.language_model import ChatMessage, ModelEvent, ModelRequest, UpstreamError

ASKING = ModelRequest(messages=(ChatMessage(role="user", content="Why?"),))
CLOCKS = ModelClocks(first_content_seconds=10, progress_seconds=10, round_seconds=20)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
WORD = b'data: {"choices":[{"delta":{"content":"yes"}}]}\n\n'
WORDS = WORD + b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(WORDS) + WORDS

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(kw_only=True)
class Server:
    """`requests` are the heads it was sent, `connections` how many were opened."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def request(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))


@asynccontextmanager
async def serving(
    server: Server, talk: Talk, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        task = asyncio.create_task(conversation(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                await talk(reader, writer)
                await writer.drain()
            finally:
                writer.close()
                await writer.wait_closed()

    async with await asyncio.start_server(connected, host, 0, ssl=tls) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def saying(*replies: bytes) -> AsyncIterator[Server]:
    """Each connection answers one request after another with these bytes, and is then closed."""
    server = Server()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies:
            await server.request(reader)
            writer.write(reply)

    async with serving(server, talk):
        yield server


@asynccontextmanager
async def model_at(base_url: str) -> AsyncIterator[OpenAILanguageModel]:
    model = OpenAILanguageModel(
        api_key="sk-canary-0123456789",
        base_url=base_url,
        model="m",
        temperature=None,
        clocks=CLOCKS,
        connect_seconds=5,
    )
    try:
        yield model
    finally:
        await model.aclose()


async def text_from(model: OpenAILanguageModel) -> str:
    events: list[ModelEvent] = [event async for event in model.stream(ASKING)]
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def failure_of(model: OpenAILanguageModel) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await text_from(model)
    return caught.value
