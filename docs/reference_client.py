"""Asks Expertline by protocol.md and gets the whole reply, whatever breaks meanwhile.

python reference_client.py http://127.0.0.1:8000 "What helps a child who cannot sleep?"
"""

import hashlib
import json
import random
import sys
import time
import urllib.request
import uuid
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

Frame = dict[str, Any]
LATER = {"draining", "unavailable", "rate_limited"}
FOR_GOOD = 4500  # from this close code on


class Client:
    """One visitor with one conversation."""

    def __init__(self, site: str) -> None:
        with urllib.request.urlopen(f"{site}/") as page:  # its session says who we are
            cookies = [each.partition(";")[0] for each in page.headers.get_all("Set-Cookie")]
        self.site, self.headers = site, {"Cookie": "; ".join(cookies)}
        self.conversation, self.rev = str(uuid.uuid4()), 0

    def ask(self, question: str) -> str:
        """Raises ConnectionClosed if that is for good, RuntimeError if the question is refused."""
        self.outbox: Frame = {"id": str(uuid.uuid4()), "text": question}
        self.turn, self.cursor, self.text, self.ended = "", (0, 0), "", False
        failures = 0
        while not self.ended:
            before, self.wait = self.cursor, random.uniform(0, min(10, 0.2 * 2**failures))
            try:
                self.listen()
            except ConnectionClosed as closed:
                if closed.rcvd and closed.rcvd.code >= FOR_GOOD:
                    raise
            except (OSError, InvalidHandshake):
                pass  # TimeoutError is an OSError: nothing was heard for too long
            failures = failures + 1 if self.cursor == before else 0
            time.sleep(0 if self.ended else self.wait)
        return self.text

    def listen(self) -> None:
        """Until the reply ends, or the connection."""
        url, silence = f"{self.site.replace('http', 'ws', 1)}/ws/chat/", 40.0
        handshake: Frame = {"origin": self.site, "subprotocols": ["expertline.v1"]}
        with connect(url, additional_headers=self.headers, **handshake, max_size=None) as socket:
            self.socket = socket
            while not self.ended:
                frame = json.loads(socket.recv(silence))
                silence = 2 * frame.get("ping_seconds", silence / 2)
                self.take(frame)

    def say(self, command: str, **fields: object) -> None:
        self.socket.send(json.dumps({"type": command} | fields))

    def take(self, frame: Frame) -> None:
        match frame["type"]:
            case "welcome" if self.outbox:
                self.say("send", conversation=self.conversation, **self.outbox)
            case "welcome":
                turn = {"id": self.turn, "cursor": "{}-{}".format(*self.cursor)}
                self.say("subscribe", conversation=self.conversation, rev=self.rev, turn=turn)
            case "ping":
                self.say("pong", k=frame["k"])
            case "accepted":
                self.outbox, self.rev = {}, frame["rev"]
                self.turn, self.message = frame["turn"], frame["message"]
            case "error" if frame["code"] not in LATER:
                raise RuntimeError(frame["message"])
            case "bye" | "error":  # an error: the same again, after the next welcome
                self.wait = max(self.wait, frame["retry_ms"] / 1000)
                self.socket.close()
            case "text" | "event" | "snapshot" | "end" if frame["turn"] == self.turn:
                self.take_piece(frame)

    def take_piece(self, frame: Frame) -> None:
        """A piece of the reply, if it is new."""
        if place(frame["cursor"]) <= self.cursor:
            return
        if frame["type"] != "snapshot" and place(frame["after"]) != self.cursor:
            raise ConnectionError("Something is missing.")  # never happens in peace
        match frame:
            case {"type": "text" | "snapshot" as kind, "text": text}:
                self.text = text if kind == "snapshot" else self.text + text
            case {"event": {"kind": "restarted", "keep": keep}}:
                self.text = self.text.encode("utf-16-le")[: 2 * keep].decode("utf-16-le")
            case {"type": "end", "sha256": sha256}:
                if hashlib.sha256(self.text.encode()).hexdigest()[:16] != sha256:
                    self.text = self.stored_text()
                self.ended = True
        self.cursor = place(frame["cursor"])

    def stored_text(self) -> str:
        url = f"{self.site}/api/messages/{self.message}"
        with urllib.request.urlopen(urllib.request.Request(url, headers=self.headers)) as found:
            return str(json.load(found)["text"])


def place(cursor: str) -> tuple[int, int]:
    attempt, n = cursor.split("-")
    return int(attempt), int(n)


if __name__ == "__main__":
    sys.stdout.write(Client(sys.argv[1]).ask(sys.argv[2]) + "\n")
