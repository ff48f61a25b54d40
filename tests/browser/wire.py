"""The server's side of the page's socket, played by a test."""

import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, WebSocketRoute

PATIENCE_SECONDS = 60

Frame = dict[str, Any]  # JSON, which tests index freely
Answering = Callable[["Wire", Frame], None]


class Wire:
    """`received` is what the page sent; `answers` says what to do with a type of frame at once.

    Whoever is welcomed gets frames; without `welcomes` the handshake is all that happens, and with
    a close code in `refuses` not much more.
    """

    def __init__(self, page: Page, *, ping_seconds: float = 20) -> None:
        self.connections: list[WebSocketRoute] = []
        self.received: list[Frame] = []
        self.welcomes = True
        self.refuses: int | None = None
        self.answers: dict[str, Answering] = {}
        self._ping_seconds = ping_seconds
        page.route_web_socket(re.compile("/ws/chat/$"), self._connected)

    def send(self, *frames: Frame) -> None:
        for frame in frames:
            self.connections[-1].send(json.dumps(frame))

    def close(self, code: int) -> None:
        self.connections[-1].close(code=code)

    def of_type(self, kind: str) -> list[Frame]:
        return [frame for frame in self.received if frame["type"] == kind]

    def _connected(self, route: WebSocketRoute) -> None:
        self.connections.append(route)
        route.on_message(self._hear)
        if self.refuses is not None:
            self.close(self.refuses)
        elif self.welcomes:
            self.send(welcome(self._ping_seconds))

    def _hear(self, message: str | bytes) -> None:
        frame = json.loads(message)
        self.received.append(frame)
        if answer := self.answers.get(frame["type"]):
            answer(self, frame)


def welcome(ping_seconds: float) -> Frame:
    return {
        "type": "welcome",
        "protocol": 1,
        "server": "played",
        "mode": "model",
        "visitor": {"name": None, "signed_in": False},
        "limits": {"frame": 16384, "text": 8192},
        "ping_seconds": ping_seconds,
    }


class Turn:
    """A turn as its frames tell of it."""

    def __init__(self) -> None:
        self.id, self.message = str(uuid.uuid4()), str(uuid.uuid4())
        self._cursor = "0-0"

    def accepted(self, send: Frame, rev: int = 1) -> Frame:
        return {
            "type": "accepted",
            "id": send["id"],
            "conversation": send["conversation"],
            "rev": rev,
            "turn": self.id,
            "message": self.message,
            "duplicate": False,
        }

    def text(self, text: str, cursor: str) -> Frame:
        return self._next(cursor) | {"type": "text", "text": text}

    def event(self, cursor: str, **event: object) -> Frame:
        return self._next(cursor) | {"type": "event", "event": event}

    def end(self, cursor: str, *, length: int, sha256: str, rev: int = 2) -> Frame:
        return self._next(cursor) | {
            "type": "end",
            "status": "done",
            "finish": "stop",
            "grounding": "none",
            "rev": rev,
            "length": length,
            "sha256": sha256,
            "sources": [],
            "suggestions": [],
            "usage": None,
            "error": None,
        }

    def _next(self, cursor: str) -> Frame:
        after, self._cursor = self._cursor, cursor
        return {"turn": self.id, "after": after, "cursor": cursor}


def synced(asked: Frame, turn: Turn) -> Frame:
    """What a `subscribe` is told while the turn runs and nothing else has changed."""
    return {
        "type": "sync",
        "conversation": asked["conversation"],
        "rev": asked["rev"],
        "full": False,
        "title": "",
        "messages": [],
        "turn": {"id": turn.id, "message": turn.message, "status": "running"},
    }


def error(
    code: str, id_: str | None = None, message: str = "Refused.", *, retry_ms: int = 0
) -> Frame:
    return {
        "type": "error",
        "id": id_,
        "code": code,
        "message": message,
        "retry_ms": retry_ms,
        "request": "r",
    }


def wait_for(page: Page, happened: Callable[[], object]) -> None:
    """For what only the test can see. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError
        page.wait_for_timeout(10)  # lets Playwright hand over what the page has sent
