"""What a client has of a turn's reply, by the client rules of docs/protocol.md."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]  # parsed JSON, which tests index freely
Cursor = tuple[int, int]


class WrongFrameError(Exception):
    """The server broke the protocol; what it sent follows."""


@dataclass(slots=True)
class Reply:
    """What the client has of one turn's reply."""

    cursor: Cursor = (0, 0)
    text: str = ""
    blocks: list[Frame] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    """Of the events in their order; "text" for a piece of text."""
    end: Frame | None = None

    def apply(self, frame: Frame) -> None:
        match frame["type"]:
            case "text":
                self.text += frame["text"]
                self.kinds.append("text")
            case "event":
                self._apply_event(frame["event"])
                self.kinds.append(frame["event"]["kind"])
            case "snapshot":
                self.text, self.blocks = frame["text"], frame["blocks"]
            case "end":
                self.end = frame
                self._check(frame)
        self.cursor = cursor_of(frame["cursor"])

    def _apply_event(self, event: Frame) -> None:
        match event["kind"]:
            case "block":
                self.blocks.append(event)
            case "restarted":
                self.text = utf16_slice(self.text, 0, event["keep"])
                self.blocks = [block for block in self.blocks if block["end"] <= event["keep"]]

    def _check(self, end: Frame) -> None:
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:16]
        if (end["length"], end["sha256"]) != (utf16_length(self.text), digest):
            raise WrongFrameError(f"The reply is “{self.text}”, but it ended so: {end}")


def cursor_of(text: str) -> Cursor:
    attempt, n = text.split("-")
    return int(attempt), int(n)


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def utf16_slice(text: str, start: int, end: int) -> str:
    return text.encode("utf-16-le")[start * 2 : end * 2].decode("utf-16-le")
