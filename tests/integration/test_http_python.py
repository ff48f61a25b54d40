"""POST /api/python: one question in, the reply's text streamed out."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.chat_client import NO_TLS
from tests.conftest import Model
from tests.latch import Latch
from tests.openai_script import Answer, Drop
from tests.serving import ChatServer

SOON_SECONDS = 1
QUESTION = "What shall I do when he runs away?"


@pytest.fixture
async def http(model_server: ChatServer) -> AsyncIterator[httpx2.AsyncClient]:
    url = model_server.url
    model_server.private.add(QUESTION)
    async with httpx2.AsyncClient(base_url=url, timeout=20, verify=NO_TLS) as client:
        yield client


async def test_reply_is_streamed_as_it_comes(http: httpx2.AsyncClient, model: Model) -> None:
    gate = Latch()
    model.script(Answer("Hold him. Then wait.", pieces=2, gate=gate, gate_after=1))

    async with http.stream("POST", "/api/python", json={"content": QUESTION}) as response:
        chunks = response.aiter_text()
        first = await anext(chunks)
        held = not gate.is_open()
        gate.open()
        rest = [chunk async for chunk in chunks]

    assert (held, first, "".join(rest)) == (True, "Hold him.", " Then wait.")


async def test_reply_is_raw_text_by_the_name_of_an_event_stream(
    http: httpx2.AsyncClient, model: Model
) -> None:
    model.script(Answer("撞头的时候，先抱住他。🙂"))

    response = await http.post("/api/python", json={"content": QUESTION})

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.content.decode() == "撞头的时候，先抱住他。🙂"


async def test_experts_are_asked_here_too(http: httpx2.AsyncClient) -> None:
    response = await http.post("/api/python", json={"content": "孩子总是撞头怎么办？"})

    assert "先保证安全" in response.text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b"\xff", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b"[]", "not_object"),
        (b"{}", "empty"),
        (b'{"content": ""}', "empty"),
        (b'{"content": " "}', "empty"),
        (b'{"content": 7}', "bad_text"),
        (b'{"content": "\\u0000"}', "bad_text"),
        (b'{"content": "%s"}' % (b"a" * 8_193), "too_long"),
    ],
)
async def test_request_that_cannot_be_answered_is_refused_by_its_code(
    http: httpx2.AsyncClient, body: bytes, code: str
) -> None:
    response = await http.post("/api/python", content=body)

    assert (response.status_code, response.json()) == (400, {"error": {"code": code}})


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
async def test_other_methods_are_not_allowed(http: httpx2.AsyncClient, method: str) -> None:
    response = await http.request(method, "/api/python")

    assert (response.status_code, response.headers["allow"]) == (405, "OPTIONS, POST")


@pytest.mark.parametrize("method", ["OPTIONS", "POST"])
@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://app.example", "https://app.example"), ("https://evil.example", None), ("", None)],
)
async def test_pages_of_named_origins_may_call(
    http: httpx2.AsyncClient, method: str, origin: str, allowed: str | None
) -> None:
    response = await http.request(method, "/api/python", headers={"Origin": origin})

    assert response.headers.get("access-control-allow-origin") == allowed
    assert "access-control-allow-credentials" not in response.headers


async def test_caller_who_leaves_lets_the_provider_go(
    http: httpx2.AsyncClient, model: Model
) -> None:
    model.script(Answer("On and on and on.", gate=Latch(), gate_after=1))

    async with http.stream("POST", "/api/python", json={"content": QUESTION}) as response:
        await anext(response.aiter_text())
        request = await model.request(1)

    async with asyncio.timeout(SOON_SECONDS):
        await request.disconnected.wait()


async def test_reply_that_breaks_off_ends_with_what_there_is(
    http: httpx2.AsyncClient, model: Model
) -> None:
    model.script(Drop(after_pieces=40))  # more than is held back: too late to begin anew

    response = await http.post("/api/python", json={"content": QUESTION})

    assert response.text.startswith("piece 1")
