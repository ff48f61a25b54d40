"""A provider whose streams are broken, huge or endless: what its visitor gets, and everybody else.

Which stream it sends is told by the visitor's words, so that two visitors can ask at once.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.chat_client import ChatClient, Frame, Visitor
from tests.conftest import quiet
from tests.databases import database_url, new_database
from tests.openai_replies import JsonObject, like_a_model
from tests.openai_script import Answer, Body, CallTool, Malformed, Step
from tests.openai_server import OpenAIServer, Received, in_thread
from tests.serving import ChatServer

QUESTION = "孩子总是撞头怎么办？"
ANSWER = "先保证安全：用软垫挡住头，不要大声责骂。"
ROUND_SECONDS = 8
MOST_GROWTH_KIB = 64 * 1024
MEANWHILE_SECONDS = 10
"""For a visitor with a well-behaved stream; most of it is what a busy machine may take."""

MEGABYTE, MOST_TOKENS = 1_000_000, 50_000
SCRIPT = "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)> [x](javascript:alert(1))"


def chunk(delta: JsonObject, finish_reason: str | None = None) -> bytes:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def call(index: int, id_: str, question: str) -> JsonObject:
    arguments = json.dumps({"question": question}, ensure_ascii=False)
    function = {"name": "search_expert_answers", "arguments": arguments}
    return {"index": index, "id": id_, "type": "function", "function": function}


STOP = chunk({}, "stop") + b"data: [DONE]\n\n"
TWINS = chunk({"tool_calls": [call(0, "call_x", QUESTION), call(1, "call_x", "孩子不睡觉")]})
STREAMS: Mapping[str, Step] = {
    "Send me a page.": Body(b"<html><script>alert(1)</script></html>", content_type="text/html"),
    "Call a page a stream.": Body(b"<html>\n\n<script>alert(1)</script>\n\n</html>\n\n"),
    "Write a page of your own.": Answer(SCRIPT),
    "Say it all at once.": Body(chunk({"content": "x" * MEGABYTE}) + STOP),
    "Say far too much at once.": Body(chunk({"content": "x" * 2 * MEGABYTE}) + STOP),
    "Say it letter by letter.": Body(chunk({"content": "字"}) * 40_000 + STOP),
    "Stutter a hundred thousand times.": Body(chunk({"content": "x"}) * 100_000 + STOP),
    "Mumble something.": Malformed(payload=b'{"choices":[{"delta":{"content":"\xff\xfe"}}]}'),
    "Call in pieces.": CallTool(QUESTION, fragments=100, name_pieces=8, id_style="repeated"),
    "Call twice at once.": Body(TWINS + chunk({}, "tool_calls") + b"data: [DONE]\n\n"),
    "Break off early.": Answer("This is as far as", finish_reason="length"),
    "Talk for ever.": Answer("and on " * 50_000, pieces=50_000, pace=0.005),
    "Call for ever.": CallTool("", arguments="[" * 50_000, fragments=50_000, pace=0.005),
}


def hostile(body: JsonObject) -> Step:
    """The stream that the visitor names; once there is a search's result, a sensible reply."""
    question = next(each for each in reversed(body["messages"]) if each["role"] == "user")
    searched = body["messages"][-1]["role"] == "tool"
    return like_a_model(body) if searched else STREAMS.get(question["content"]) or like_a_model(body)


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenAIServer]:
    with in_thread(OpenAIServer(unscripted=hostile)) as server:
        yield server


@pytest.fixture(scope="module")
def server(knowledge: str, provider: OpenAIServer) -> Iterator[ChatServer]:
    """In front of the hostile provider, whose replies it ends after a few seconds."""
    with new_database(knowledge) as name:
        settings = {
            "DATABASE_URL": database_url(name),
            "OPENAI_BASE_URL": provider.base_url,
            "MODEL_ROUND_SECONDS": str(ROUND_SECONDS),
            "CHAT_MAX_OUTPUT_TOKENS": str(MOST_TOKENS),
        }
        with quiet(ChatServer(settings=settings)) as server:
            yield server


@pytest.mark.parametrize("q", STREAMS)
async def test_x(server: ChatServer, provider, q: str) -> None:
    import time
    alice = await Visitor.arrive(server)
    n = len(provider.requests)
    async with ChatClient(alice) as client:
        t = time.monotonic()
        end = await client.ask(q)
        t = time.monotonic() - t
        text = client.text_of(end["turn"])
        ev = [f["event"] for f in client.all_of("event") if f["event"]["kind"] != "block"]
        print(q, f"{t:.2f}s", {k: end[k] for k in ("status", "finish", "error", "grounding", "length", "usage")}, repr(text[:60]), len(client.all_of("text")), ev, len(provider.requests) - n)
