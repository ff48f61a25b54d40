"""A scripted HTTP server: each request takes the next step, and is kept for the test to look at."""

import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Generic, Self, TypeVar

Step = TypeVar("Step")
Received = TypeVar("Received")


class ScriptedServer(ThreadingHTTPServer, Generic[Step, Received]):
    """Serves on a port of its own inside `with`; `stopped` is set when that ends."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[BaseHTTPRequestHandler], steps: tuple[Step, ...]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.received: list[Received] = []
        self.steps = deque(steps)
        self.stopped = threading.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def next_step(self) -> Step | None:
        """None where nothing is scripted any more."""
        return self.steps.popleft() if self.steps else None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class QuietHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (as inherited)
        """Nothing: the tests read what came."""
