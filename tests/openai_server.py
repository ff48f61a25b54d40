"""A scripted OpenAI-compatible server: real HTTP/1.1 and server-sent events on a real socket.

In an asynchronous test `async with OpenAIServer(...) as server`, in another one
`with in_thread(OpenAIServer(...)) as server`, for other processes
`python -m tests.openai_server --port 0 --pace 0.02`, which prints its base URL. Requests that no
step is scripted for are answered as by a cooperative model.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import math
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

from tests.latch import Latch
from tests.openai_http import (
    LAST_CHUNK,
    HttpRequest,
    body_chunk,
    read_request,
    reset,
    response_head,
)
from tests.openai_replies import Call, JsonObject, Plain, Reply, Stream, like_a_model, reply_to
from tests.openai_script import Raw, Status, Step

EVENT_STREAM = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "transfer-encoding": "chunked",
}


@dataclass(slots=True, kw_only=True)
class Received:
    """A request as it came, and what became of it.

    `disconnected` opens when the client leaves before the reply is over, `answered` when all of
    the reply was sent. `connection` tells connections apart. `text` is all that a streamed reply
    says, or would have said.
    """

    number: int
    path: str
    headers: dict[str, str]
    body: JsonObject
    connection: int
    text: str = ""
    deltas_sent: int = 0
    disconnected: Latch = field(default_factory=Latch)
    answered: Latch = field(default_factory=Latch)


class OpenAIServer:
    """`requests` are the chat completions asked for, `embedding_requests` the others, in order.

    With `stamped`, each piece of text begins with "[call 3] " (see `calls_stamped_in`); without
    `knows_stream_options`, a request with stream_options is refused, as by older servers; with
    `most_embeddings`, a request for more at once is. `embedding_failures` are the replies to the
    next requests for embeddings.
    """

    def __init__(
        self,
        *steps: Step,
        port: int = 0,
        pace: float = 0,
        stamped: bool = False,
        knows_stream_options: bool = True,
        most_embeddings: int = 2048,
        unscripted: Callable[[JsonObject], Step] = like_a_model,
    ) -> None:
        self.requests: list[Received] = []
        self.embedding_requests: list[Received] = []
        self.embedding_failures: deque[Plain] = deque()
        self._steps = deque(steps)
        self._port = port
        self._pace = pace
        self._stamped = stamped
        self._knows_stream_options = knows_stream_options
        self._most_embeddings = most_embeddings
        self._unscripted = unscripted
        self._arrivals: dict[int, Latch] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def waiting(self) -> int:
        """How many chat completions have been asked for, and are neither answered nor given up."""
        over = (each.answered.is_open() or each.disconnected.is_open() for each in self.requests)
        return sum(not each for each in over)

    def script(self, *steps: Step) -> None:
        """What to do with the next chat completions, one step for each."""
        self._steps.extend(steps)

    def forget_script(self) -> None:
        """Drops the steps that no request has come for."""
        self._steps.clear()

    async def request(self, number: int) -> Received:
        """Chat completion `number`, counted from 1, as soon as it has been asked for."""
        await self._arrival(number).wait()
        return self.requests[number - 1]

    def request_in_thread(self, number: int, seconds: float = 10) -> Received:
        self._arrival(number).wait_in_thread(seconds)
        return self.requests[number - 1]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", self._port, backlog=1024
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        if self._failures:
            raise self._failures[0]

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._disconnected)

    def _disconnected(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure:
            self._failures.append(failure)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun = b""
        try:
            while not writer.is_closing() and (request := await read_request(reader, begun)):
                received = self._received(request, writer)
                reply, step = self._reply_to(request, received)
                sending = self._send(reply, step, received, writer)
                begun = await _while_connected(reader, sending, received)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _received(self, request: HttpRequest, writer: asyncio.StreamWriter) -> Received:
        completion = request.path.endswith("/chat/completions")
        requests = self.requests if completion else self.embedding_requests
        received = Received(
            number=len(requests) + 1,
            path=request.path,
            headers=dict(request.headers),
            body=json.loads(request.body or b"{}"),
            connection=writer.get_extra_info("peername")[1],
        )
        if request.method == "POST":
            requests.append(received)
        if completion:
            self._arrival(received.number).open()
        return received

    def _arrival(self, number: int) -> Latch:
        return self._arrivals.setdefault(number, Latch())

    def _reply_to(self, request: HttpRequest, received: Received) -> tuple[Reply, Step]:
        match request.method, request.path.removeprefix("/v1"):
            case "POST", "/chat/completions":
                return self._completion(received)
            case "POST", "/embeddings":
                return self._embedded(received.body), Step()
            case "GET", "/models":
                return Plain(content=b'{"object":"list","data":[{"id":"scripted"}]}'), Step()
        return Plain(content=b"{}", status=404), Step()

    def _embedded(self, body: JsonObject) -> Reply:
        if self.embedding_failures:
            return self.embedding_failures.popleft()
        if len(body["input"]) > self._most_embeddings and not isinstance(body["input"], str):
            return Plain(content=b'{"error":{"message":"Too many."}}', status=400)
        return Plain(content=_embeddings(body))

    def _completion(self, received: Received) -> tuple[Reply, Step]:
        call = Call(
            number=received.number,
            body=received.body,
            authorization=received.headers.get("authorization", ""),
            stamped=self._stamped,
        )
        if "stream_options" in received.body and not self._knows_stream_options:
            step: Step = Status(400)
        else:
            step = self._steps.popleft() if self._steps else self._unscripted(received.body)
        reply = reply_to(call, step)
        received.text = text_of(reply)
        return reply, step

    async def _send(
        self, reply: Reply, step: Step, received: Received, writer: asyncio.StreamWriter
    ) -> None:
        match reply:
            case Raw():
                writer.write(reply.content)
                await writer.drain()
                writer.close()
            case Plain():
                writer.write(_plain_head(reply) + reply.content)
                await writer.drain()
            case Stream():
                await self._send_stream(reply, step, received, writer)
        received.answered.open()

    async def _send_stream(
        self, reply: Stream, step: Step, received: Received, writer: asyncio.StreamWriter
    ) -> None:
        if reply.headers:
            writer.write(response_head(200, EVENT_STREAM) + body_chunk(reply.opening))
        pace = self._pace if step.pace is None else step.pace
        for position, delta in enumerate(reply.deltas):
            if step.gate and position == step.gate_after:
                await step.gate.wait()
            writer.write(body_chunk(delta))
            await writer.drain()
            received.deltas_sent += 1
            await asyncio.sleep(pace)
        if step.gate and step.gate_after >= len(reply.deltas):
            await step.gate.wait()
        if reply.closing:
            writer.write(body_chunk(reply.closing))
        await _end(reply, writer)


def text_of(reply: Reply) -> str:
    """What all deltas of a stream say."""
    deltas = reply.deltas if isinstance(reply, Stream) else ()
    chunks = [json.loads(delta.removeprefix(b"data: ")) for delta in deltas]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


async def _end(reply: Stream, writer: asyncio.StreamWriter) -> None:
    match reply.ending:
        case "whole":
            writer.write(LAST_CHUNK)
            await writer.drain()
        case "fin":
            await writer.drain()
            writer.close()
        case "rst":
            await writer.drain()
            reset(writer)
        case "silence":
            await _stay_silent(reply, writer)


async def _stay_silent(reply: Stream, writer: asyncio.StreamWriter) -> None:
    while reply.comment_seconds:
        writer.write(body_chunk(b": keep-alive\n\n"))
        await writer.drain()
        await asyncio.sleep(reply.comment_seconds)
    await Latch().wait()


async def _while_connected(
    reader: asyncio.StreamReader, sending: Coroutine[None, None, None], received: Received
) -> bytes:
    """Sends the reply until the client leaves. Returns what it said meanwhile: its next request."""
    task, heard = asyncio.create_task(sending), asyncio.create_task(_first_byte(reader))
    try:
        await asyncio.wait((task, heard), return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and not heard.result():
            received.disconnected.open()
            return b""
        await task
        return heard.result() if heard.done() else b""
    except ConnectionError:
        received.disconnected.open()
        return b""
    finally:
        task.cancel()
        heard.cancel()
        await asyncio.gather(task, heard, return_exceptions=True)


async def _first_byte(reader: asyncio.StreamReader) -> bytes:
    """One byte, or none when the client has left."""
    try:
        return await reader.read(1)
    except ConnectionError:
        return b""


def _plain_head(reply: Plain) -> bytes:
    headers: dict[str, object] = {
        "content-type": reply.content_type,
        "content-length": len(reply.content),
    }
    if reply.retry_after is not None:
        headers["retry-after"] = reply.retry_after
    return response_head(reply.status, headers)


def _embeddings(body: JsonObject) -> bytes:
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    vectors = [embedding(text, body.get("dimensions", 256)) for text in texts]
    as_base64 = body.get("encoding_format") == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _base64(vector) if as_base64 else vector,
        }
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    reply = {"object": "list", "data": data, "model": body.get("model"), "usage": usage}
    return json.dumps(reply).encode()


def embedding(text: str, dimensions: int) -> list[float]:
    """A unit vector of hashed pairs of characters: texts that share words are near each other."""
    vector = [0.0] * dimensions
    padded = f" {text.lower()} "
    for pair in pairwise(padded):
        digest = hashlib.sha256("".join(pair).encode()).digest()
        position = int.from_bytes(digest[:4], "big") % dimensions
        vector[position] += 1.0 if digest[4] % 2 else -1.0
    length = math.hypot(*vector) or 1.0
    return [value / length for value in vector]


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


@contextmanager
def in_thread(server: OpenAIServer) -> Iterator[OpenAIServer]:
    """Runs the server in a thread with an event loop of its own."""
    started, stopped = Latch(), Latch()
    arguments = (_serve_until(server, started, stopped),)
    thread = threading.Thread(target=asyncio.run, args=arguments, daemon=True)
    thread.start()
    started.wait_in_thread()
    try:
        yield server
    finally:
        stopped.open()
        thread.join()


async def _serve_until(server: OpenAIServer, started: Latch, stopped: Latch) -> None:
    async with server:
        started.open()
        await stopped.wait()


async def _run(server: OpenAIServer) -> None:
    async with server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        await Latch().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A scripted OpenAI-compatible server.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--pace", type=float, default=0, help="seconds between deltas")
    parser.add_argument("--stamped", action="store_true", help='mark each piece: "[call 3] "')
    options = parser.parse_args()
    server = OpenAIServer(port=options.port, pace=options.pace, stamped=options.stamped)
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(server))


if __name__ == "__main__":
    main()
