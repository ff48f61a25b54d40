"""An OpenAI-compatible server whose words are the moments at which they were sent.

`python -m bench.stamping_provider` prints its base URL. A question such as
"pieces=150 pace=0.02 after=1 quick=0" says how its answer comes: the first piece after so many
seconds, so many in quick succession, and the others at the pace.
"""

import asyncio
import json
import re
import sys
import time

from tests.openai_http import LAST_CHUNK, body_chunk, response_head
from tests.openai_replies import JsonObject, Stream
from tests.openai_script import Answer, Step
from tests.openai_server import EVENT_STREAM, OpenAIServer, Received

STAMP = re.compile(r"(\d+)@")
"""Nanoseconds of the machine's monotonic clock, which all processes share."""

QUICK_SECONDS = 0.005


class StampingProvider(OpenAIServer):
    async def _send_stream(
        self, reply: Stream, step: Step, received: Received, writer: asyncio.StreamWriter
    ) -> None:
        wish = wish_of(received.body)
        writer.write(response_head(200, EVENT_STREAM) + body_chunk(reply.opening))
        due = time.monotonic() + wish["after"]
        for number in range(int(wish["pieces"])):
            await asyncio.sleep(due - time.monotonic())
            writer.write(body_chunk(delta(f" {time.monotonic_ns()}@")))
            await writer.drain()
            due += QUICK_SECONDS if number < wish["quick"] else wish["pace"]
        writer.write(body_chunk(reply.closing) + LAST_CHUNK)
        await writer.drain()


def question(*, pieces: int, pace: float, after: float = 1, quick: int = 0) -> str:
    return f"pieces={pieces} pace={pace} after={after} quick={quick}"


def wish_of(body: JsonObject) -> dict[str, float]:
    parts = (part.split("=") for part in str(body["messages"][-1]["content"]).split())
    return {name: float(value) for name, value in parts}


def delta(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return b"data: " + json.dumps({"choices": [choice], "usage": None}).encode() + b"\n\n"


def any_answer(body: JsonObject) -> Step:
    return Answer("as it was wished")


async def main() -> None:
    async with StampingProvider(unscripted=any_answer) as server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
