"""A scripted server of MiniMax's embeddings API: real HTTP/1.1 on a real socket.

`with MiniMaxServer(...) as server`. Requests that no step is scripted for get vectors.
"""

import json
import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.openai_server import embedding

DIMENSIONS = 1536


@dataclass(frozen=True, slots=True)
class Code:
    """HTTP 200 with this status code; MiniMax's message repeats a text, as careless servers do."""

    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """This body."""

    body: bytes
    status: int = 200
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer until the server stops."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """The connection is closed without an answer."""


@dataclass(frozen=True, slots=True)
class Drip:
    """A body whose white space never ends."""


Step = Code | Reply | Silence | Hangup | Drip


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Header names are in lower case."""

    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def texts(self) -> list[str]:
        return list(self.body["texts"])


class MiniMaxServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, *steps: Step) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[Received] = []
        self.steps = deque(steps)
        self.stopped = threading.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: MiniMaxServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        received = self._read()
        self.server.received.append(received)
        step = self.server.steps.popleft() if self.server.steps else None
        match step:
            case Silence():
                self.server.stopped.wait(10)
                self.close_connection = True
            case Hangup():
                self.close_connection = True
            case Drip():
                self._drip()
            case Reply():
                self._send(step.body, step.status, step.retry_after)
            case Code(code):
                self._send(refusal(code, received.texts[0]))
            case None:
                self._send(vectors(received.texts, received.body["type"]))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (as inherited)
        """Nothing: the tests read what came."""

    def _read(self) -> Received:
        address = urlsplit(self.path)
        length = int(self.headers["content-length"])
        return Received(
            path=address.path,
            query=parse_qs(address.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=json.loads(self.rfile.read(length)),
        )

    def _send(self, body: bytes, status: int = 200, retry_after: str = "") -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        if retry_after:
            self.send_header("retry-after", retry_after)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.end_headers()
        try:
            while not self.server.stopped.wait(0.01):
                self.wfile.write(b" ")
        except ConnectionError:  # the client has left
            return


def vectors(texts: list[str], input_type: str) -> bytes:
    """Vectors of the length that MiniMax gives, other ones for what is asked than for what is
    stored, and not normalised, so that nobody relies on it."""
    rows = [
        [3 * value for value in embedding(f"{input_type} {text}", DIMENSIONS)] for text in texts
    ]
    reply = {
        "vectors": rows,
        "total_tokens": len(texts),
        "base_resp": {"status_code": 0, "status_msg": "success"},
    }
    return json.dumps(reply).encode()


def refusal(code: int, text: str) -> bytes:
    base_resp = {"status_code": code, "status_msg": f"not this: {text}"}
    return json.dumps({"vectors": None, "total_tokens": 0, "base_resp": base_resp}).encode()
