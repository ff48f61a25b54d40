"""A scripted server of `/rerank`: real HTTP/1.1 on a real socket.

`with RerankServer(...) as server`. Without a step, texts are rated by the words of the query that
they have, and told the best first.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.scripted_server import QuietHandler, ScriptedServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """This body, again and again if `endless`."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer until the server stops."""


Step = Reply | Silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class RerankServer(ScriptedServer[Step, Received]):
    def __init__(self, *steps: Step) -> None:
        super().__init__(Handler, steps)


class Handler(QuietHandler):
    server: RerankServer

    def do_POST(self) -> None:  # noqa: N802  (as http.server calls it)
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append(Received(path=self.path, headers=headers, body=body))
        match self.server.next_step():
            case Silence():
                self.server.stopped.wait(10)
                self.close_connection = True
            case Reply(endless=True) as step:
                self._repeat(step)
            case Reply() as step:
                self._send(step)
            case None:
                self._send(Reply(body=rated(body["query"], body["documents"])))

    def _send(self, step: Reply) -> None:
        self.send_response(step.status)
        self.send_header("content-length", str(len(step.body)))
        for name, value in step.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(step.body)

    def _repeat(self, step: Reply) -> None:
        self.close_connection = True
        self.send_response(step.status)
        self.end_headers()
        try:
            while not self.server.stopped.wait(0.001):
                self.wfile.write(step.body)
        except ConnectionError:  # the client has left
            return


def rated(query: str, texts: list[str]) -> bytes:
    words = set(query.lower().split())
    scores = [float(len(words & set(text.lower().split()))) for text in texts]
    best_first = sorted(range(len(texts)), key=lambda index: -scores[index])
    results = [{"index": index, "relevance_score": scores[index]} for index in best_first]
    return json.dumps({"results": results, "usage": {"total_tokens": 1}}).encode()
