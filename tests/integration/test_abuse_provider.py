"""A provider whose streams are broken, huge or endless: what its visitor gets, and everybody else.

Which stream it sends is told by the visitor's words, so that two visitors can ask at once.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.chat_client import ChatClient, Visitor
from tests.chat_reply import Frame
from tests.conftest import quiet
from tests.databases import database_url, new_database
from tests.openai_replies import JsonObject, like_a_model
from tests.openai_script import Answer, Body, CallTool, Malformed, Step
from tests.openai_server import OpenAIServer, Received, in_thread
from tests.serving import ChatServer

QUESTION, OTHER_QUESTION = "孩子总是撞头怎么办？", "孩子晚上不睡觉怎么办？"
ANSWER = "先保证安全：用软垫挡住头，不要大声责骂。"
MOST_TOKENS = 50_000
ROUND_SECONDS = 8
MEANWHILE_SECONDS = 20
"""For a visitor whose stream is a good one; most of it is what a busy machine may take."""
GROWTH_KIB = 64 * 1024


def chunk(delta: JsonObject, finish_reason: str | None = None) -> bytes:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def calling(*questions: str) -> Body:
    """A stream that calls the search for each question at once, every time under the same id."""
    calls = [
        {
            "index": index,
            "id": "call_x",
            "function": {
                "name": "search_expert_answers",
                "arguments": json.dumps({"question": question}),
            },
        }
        for index, question in enumerate(questions)
    ]
    return Body(chunk({"tool_calls": calls}) + chunk({}, "tool_calls") + b"data: [DONE]\n\n")


PAGE = "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n[here](javascript:alert(1))"
STOP = chunk({}, "stop") + b"data: [DONE]\n\n"
STREAMS: Mapping[str, Step] = {
    "Send me a page.": Body(PAGE.encode(), content_type="text/html"),
    "Call a page a stream.": Body(PAGE.encode()),
    "Write a page of your own.": Answer(PAGE),
    "Say it all at once.": Body(chunk({"content": "x" * 1_000_000}) + STOP),
    "Say far too much at once.": Body(chunk({"content": "x" * 2_000_000}) + STOP),
    "Say it letter by letter.": Body(chunk({"content": "x"}) * 100_000 + STOP),
    "Say too much, letter by letter.": Body(chunk({"content": "字"}) * 60_000 + STOP),
    "Mumble something.": Malformed(payload=b'{"choices":[{"delta":{"content":"\xff\xfe"}}]}'),
    "Call in pieces.": CallTool(QUESTION, fragments=100, name_pieces=8, id_style="repeated"),
    "Call for two things.": calling(QUESTION, OTHER_QUESTION),
    "Call for one thing twice.": calling(QUESTION, QUESTION),
    "Break off early.": Answer("This is as far as", finish_reason="length"),
    "Talk for ever.": Answer("and on " * 50_000, pieces=50_000, pace=0.005),
    "Call for ever.": CallTool("", arguments="[" * 50_000, fragments=50_000, pace=0.005),
}


def hostile(body: JsonObject) -> Step:
    """The stream that the visitor names; once something was searched for, a sensible reply."""
    searched = body["messages"][-1]["role"] == "tool"
    return like_a_model(body) if searched else STREAMS.get(words_of(body)) or like_a_model(body)


def words_of(body: JsonObject) -> str:
    """What the visitor said last."""
    said = [message["content"] for message in body["messages"] if message["role"] == "user"]
    return str(said[-1])


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenAIServer]:
    with in_thread(OpenAIServer(unscripted=hostile)) as server:
        yield server


@pytest.fixture(scope="module")
def server(knowledge: str, provider: OpenAIServer) -> Iterator[ChatServer]:
    """In front of the hostile provider."""
    with new_database(knowledge) as name:
        settings = {
            "DATABASE_URL": database_url(name),
            "OPENAI_BASE_URL": provider.base_url,
            "MODEL_ROUND_SECONDS": str(ROUND_SECONDS),
            "CHAT_MAX_OUTPUT_TOKENS": str(MOST_TOKENS),
        }
        with quiet(ChatServer(settings=settings)) as server:
            asyncio.run(warm_up(server))
            yield server


async def warm_up(server: ChatServer) -> None:
    """What is loaded with the first question is no harm that a stream does."""
    async with ChatClient(await Visitor.arrive(server)) as client:
        await client.ask(QUESTION)


async def asked(server: ChatServer, words: str) -> tuple[ChatClient, Frame]:
    """What a visitor is told. Meanwhile another one is answered, and the server stays well."""
    alice, bob = [ChatClient(await Visitor.arrive(server)) for _ in range(2)]
    before = begin_to_measure(server)
    async with alice, bob:
        accepted = await alice.send(words)
        async with asyncio.timeout(MEANWHILE_SECONDS):
            greeted = await bob.ask("你好")
        ended = await alice.end_of(accepted["turn"])

    assert bob.text_of(greeted["turn"]) == "你好!请告诉我孩子的情况。"
    assert memory_kib(server, "VmHWM") - before < GROWTH_KIB
    assert not server.complaints
    return alice, ended


def begin_to_measure(server: ChatServer) -> int:
    """Forget the most memory that the server ever had; what it has now."""
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")
    return memory_kib(server, "VmRSS")


def memory_kib(server: ChatServer, name: str) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.findall(rf"{name}:\s+(\d+) kB", status)[0])


def events_of(client: ChatClient, kind: str) -> list[Frame]:
    events = [frame["event"] for frame in client.all_of("event")]
    return [event for event in events if event["kind"] == kind]


def requests_for(provider: OpenAIServer, words: str) -> list[Received]:
    return [each for each in provider.requests if words_of(each.body) == words]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Send me a page.", "upstream_error"),
        ("Call a page a stream.", "upstream_truncated"),
        ("Say far too much at once.", "upstream_malformed"),
        ("Mumble something.", "upstream_malformed"),
    ],
)
async def test_t76_what_is_no_stream_is_replaced_by_the_experts(
    server: ChatServer, words: str, code: str
) -> None:
    client, ended = await asked(server, words)

    assert {notice["code"] for notice in events_of(client, "notice")} == {code}
    assert (ended["status"], ended["error"], len(events_of(client, "searching"))) == (
        "done",
        None,
        1,
    )
    assert not re.search(r"alert|xxxx|\\uff?fd", json.dumps(client.frames))


async def test_t76_page_that_a_model_writes_is_shown_as_text(server: ChatServer) -> None:
    client, ended = await asked(server, "Write a page of your own.")

    html = "".join(block["html"] for block in client.reply(ended["turn"]).blocks)
    assert "&lt;script&gt;" in html
    assert not re.search("<(script|img|a)", html)


@pytest.mark.parametrize(
    ("words", "text", "finish"),
    [
        ("Say it all at once.", "x" * MOST_TOKENS * 4, "length"),
        ("Say it letter by letter.", "x" * 100_000, "stop"),
        ("Say too much, letter by letter.", "字" * MOST_TOKENS, "length"),
        ("Break off early.", "This is as far as", "length"),
    ],
)
async def test_t76_huge_reply_is_cut_and_comes_in_few_frames(
    server: ChatServer, words: str, text: str, finish: str
) -> None:
    client, ended = await asked(server, words)

    stored = await client.visitor.finished(client.all_of("accepted")[0]["message"])
    assert client.text_of(ended["turn"]) == stored["text"] == text
    assert (ended["status"], ended["finish"]) == ("done", finish)
    assert len(client.all_of("text")) <= 10 + len(text) / 100


async def test_t76_conversation_with_a_huge_reply_can_be_opened_again(server: ChatServer) -> None:
    client, ended = await asked(server, "Say it letter by letter.")
    talk = client.conversation_of(ended["turn"])

    async with ChatClient(client.visitor) as returned:
        await returned.subscribe(talk)
        synced = await returned.frame("sync", conversation=talk)

    assert synced["rev"] == ended["rev"]


async def test_t76_call_in_pieces_is_put_together(server: ChatServer) -> None:
    client, ended = await asked(server, "Call in pieces.")

    assert [event["question"] for event in events_of(client, "searching")] == [QUESTION]
    assert ANSWER in client.text_of(ended["turn"])


async def test_t76_calls_of_the_same_id_get_one_each(
    server: ChatServer, provider: OpenAIServer
) -> None:
    words = "Call for two things."
    client, ended = await asked(server, words)

    *_, assistant, first, second = requests_for(provider, words)[1].body["messages"]
    ids = [call["id"] for call in assistant["tool_calls"]]
    assert ids == [first["tool_call_id"], second["tool_call_id"]]
    assert len(set(ids)) == 2
    assert [event["question"] for event in events_of(client, "searching")] == [
        QUESTION,
        OTHER_QUESTION,
    ]
    assert ended["grounding"] == "answer"


async def test_t76_call_that_comes_twice_is_run_once(server: ChatServer) -> None:
    client, ended = await asked(server, "Call for one thing twice.")

    assert [event["question"] for event in events_of(client, "searching")] == [QUESTION]
    assert ANSWER in client.text_of(ended["turn"])


async def test_t76_endless_streams_are_cut_off(server: ChatServer, provider: OpenAIServer) -> None:
    (_, talked), (caller, called) = await asyncio.gather(
        asked(server, "Talk for ever."), asked(server, "Call for ever.")
    )

    assert (talked["status"], talked["finish"]) == ("done", "length")
    assert talked["length"] > 0
    assert [notice["code"] for notice in events_of(caller, "notice")] == ["upstream_timeout"]
    assert called["status"] == "done"
    for words in ("Talk for ever.", "Call for ever."):
        [request] = requests_for(provider, words)
        await asyncio.wait_for(request.disconnected.wait(), MEANWHILE_SECONDS)
