"""A scripted server of MiniMax's embeddings API: real HTTP/1.1 on a real socket.

`with MiniMaxServer(...) as server`. Requests that no step is scripted for get vectors.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.openai_server import embedding
from tests.scripted_server import QuietHandler, ScriptedServer

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


class MiniMaxServer(ScriptedServer[Step, Received]):
    def __init__(self, *steps: Step) -> None:
        super().__init__(Handler, steps)


class Handler(QuietHandler):
    server: MiniMaxServer

    def do_POST(self) -> None:  # noqa: N802  (as http.server calls it)
        received = self._read()
        self.server.received.append(received)
        step = self.server.next_step()
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
