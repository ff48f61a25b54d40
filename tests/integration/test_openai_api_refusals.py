"""What /v1 refuses, and how: in the form that OpenAI's client turns into its own errors."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI

from tests.api_keys import new_key, revoke, use_of
from tests.chat_client import NO_TLS
from tests.conftest import Model
from tests.databases import database_url, new_database, without_connections
from tests.latch import Latch
from tests.openai_script import Answer, Drop
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

QUESTION = "What shall I do when he runs away?"
ASKED: Any = [{"role": "user", "content": QUESTION}]
BODY = {"model": "expertline", "messages": ASKED}
COMPLETIONS = "/v1/chat/completions"
MIB = 1024 * 1024
SHOWN_PIECES = 40
"""More than is held back, so that it is too late to begin anew."""


@pytest.fixture
def key(model_server: ChatServer, model_database: str) -> str:
    model_server.private.add(QUESTION)
    return new_key(model_database, server=model_server)


@pytest.fixture
async def http(model_server: ChatServer, key: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        base_url=model_server.url,
        headers={"Authorization": f"Bearer {key}"},
        timeout=20,
        verify=NO_TLS,
    ) as http:
        yield http


@pytest.fixture
async def client(model_server: ChatServer, key: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=f"{model_server.url}/v1", api_key=key, max_retries=0, timeout=20
    ) as client:
        yield client


def error_of(response: httpx2.Response) -> dict[str, Any]:
    """The error, which has OpenAI's four fields and no others."""
    error: dict[str, Any] = response.json()["error"]
    assert response.json().keys() == {"error"}
    assert error.keys() == {"message", "type", "param", "code"}
    return error


# --- Keys


async def test_unknown_key_is_the_clients_authentication_error(client: AsyncOpenAI) -> None:
    stranger = client.with_options(api_key="el-" + "x" * 43)

    with pytest.raises(openai.AuthenticationError) as caught:
        await stranger.chat.completions.create(model="expertline", messages=ASKED)

    assert caught.value.code == "invalid_api_key"


async def test_revoked_key_is_refused_from_the_next_request_on(
    client: AsyncOpenAI, model_database: str, key: str
) -> None:
    await client.models.list()
    revoke(model_database, key)

    with pytest.raises(openai.AuthenticationError) as caught:
        await client.models.list()

    assert caught.value.code == "invalid_api_key"


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic eDp5", "el-x", "\xff"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/models"), ("GET", "/v1/models/expertline"), ("POST", COMPLETIONS)],
)
async def test_no_address_answers_without_a_key(
    http: httpx2.AsyncClient, method: str, path: str, authorization: str
) -> None:
    header = (b"Authorization", authorization.encode("latin-1"))

    response = await http.request(method, path, headers=[header])

    assert (response.status_code, error_of(response)["code"]) == (401, "invalid_api_key")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_key_may_have_eight_replies_at_once_and_then_the_next(
    http: httpx2.AsyncClient, client: AsyncOpenAI, model: Model, key: str, model_database: str
) -> None:
    gate = Latch()
    model.script(*[Answer("Hold him.", gate=gate)] * 8, Answer("Then wait."))
    running = [
        asyncio.create_task(http.post(COMPLETIONS, json={**BODY, "stream": number % 2 == 0}))
        for number in range(8)
    ]
    for number in range(1, 9):
        await model.request(number)

    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(model="expertline", messages=ASKED)
    gate.open()
    await asyncio.gather(*running)
    after = await client.chat.completions.create(model="expertline", messages=ASKED)

    assert caught.value.code == "rate_limit_exceeded"
    assert int(caught.value.response.headers["retry-after"]) > 0
    assert after.choices[0].message.content == "Then wait."
    await use_of(model_database, key, requests=9)


async def test_reply_whose_reader_left_makes_room(
    http: httpx2.AsyncClient, model: Model, model_database: str, key: str
) -> None:
    model.script(*[Answer("On and on.", gate=Latch(), gate_after=1)] * 8, Answer("Then wait."))
    for number in range(1, 9):
        async with http.stream("POST", COMPLETIONS, json={**BODY, "stream": True}):
            await model.request(number)
    await use_of(model_database, key, requests=8)

    response = await http.post(COMPLETIONS, json=BODY)

    assert response.status_code == 200


# --- Models and addresses


async def test_other_models_do_not_exist(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as asked:
        await client.chat.completions.create(model="gpt-4o", messages=ASKED)
    with pytest.raises(openai.NotFoundError) as looked_up:
        await client.models.retrieve("gpt-4o")

    assert (asked.value.code, asked.value.param) == ("model_not_found", "model")
    assert looked_up.value.code == "model_not_found"


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/", "/v1/models/", "/v1/models/a/b"])
async def test_other_addresses_do_not_exist(http: httpx2.AsyncClient, path: str) -> None:
    response = await http.post(path, json=BODY)

    assert (response.status_code, error_of(response)["code"]) == (404, "unknown_url")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", COMPLETIONS), ("OPTIONS", COMPLETIONS), ("POST", "/v1/models")],
)
async def test_other_methods_are_not_allowed(
    http: httpx2.AsyncClient, method: str, path: str
) -> None:
    response = await http.request(method, path)

    assert (response.status_code, error_of(response)["code"]) == (405, "method_not_supported")
    assert response.headers["allow"]


# --- Requests that cannot be answered


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b"\xff", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'{"a":' * 100_000, "bad_json"),
        (b"[]", "not_object"),
    ],
)
async def test_body_that_is_no_request_is_refused(
    http: httpx2.AsyncClient, body: bytes, code: str
) -> None:
    response = await http.post(COMPLETIONS, content=body)

    assert (response.status_code, error_of(response)["code"]) == (400, code)


async def test_bad_request_is_the_clients_own_error(client: AsyncOpenAI) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    messages: Any = [{"role": "user", "content": [image]}]

    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(model="expertline", messages=messages)

    assert "Only text can be read here" in caught.value.message
    assert caught.value.param == "messages"


async def chunks_of(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_may_have_a_mebibyte(http: httpx2.AsyncClient, *, chunked: bool) -> None:
    bare = json.dumps({**BODY, "metadata": ""}).encode()
    largest = bare.replace(b'"metadata": ""', b'"metadata": "%s"' % (b"x" * (MIB - len(bare))))

    answered, refused = [
        await http.post(COMPLETIONS, content=chunks_of(body) if chunked else body)
        for body in (largest, largest + b" ")
    ]

    assert (len(largest), answered.status_code) == (MIB, 200)
    assert (refused.status_code, error_of(refused)["code"]) == (413, "too_large")


# --- What every answer has


@pytest.mark.parametrize(
    ("path", "body"),
    [(COMPLETIONS, BODY), (COMPLETIONS, {**BODY, "stream": True}), (COMPLETIONS, {})],
)
async def test_no_cookie_is_set_nothing_is_kept_and_no_page_may_read(
    http: httpx2.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    response = await http.post(path, json=body, headers={"Origin": "https://evil.example"})

    assert response.headers["cache-control"] == "no-store"
    assert "set-cookie" not in response.headers
    assert not any(name.startswith("access-control") for name in response.headers)


async def test_stream_is_one_of_events_that_proxies_do_not_hold(http: httpx2.AsyncClient) -> None:
    response = await http.post(COMPLETIONS, json={**BODY, "stream": True})

    lines = [line for line in response.text.split("\n") if line]
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["x-accel-buffering"] == "no"
    assert all(line.startswith("data: ") for line in lines)
    assert (lines[-1], response.text.isascii()) == ("data: [DONE]", True)


# --- Faults


async def test_reply_that_breaks_off_is_an_error_without_internals(
    knowledge: str, scripted_server: OpenAIServer, model: Model
) -> None:
    model.script(*[Drop(after_pieces=SHOWN_PIECES)] * 3)  # a whole reply is tried twice
    with new_database(knowledge) as name:
        settings = {
            "DATABASE_URL": database_url(name),
            "OPENAI_BASE_URL": scripted_server.base_url,
        }
        with ChatServer(settings=settings) as server:
            headers = {"Authorization": f"Bearer {new_key(name, server=server)}"}
            url = f"{server.url}{COMPLETIONS}"
            failed = httpx2.post(url, json=BODY, headers=headers)
            streamed = httpx2.post(url, json={**BODY, "stream": True}, headers=headers)
            with without_connections(name):
                away = httpx2.post(url, json=BODY, headers=headers)

    last = json.loads(streamed.text.rstrip().rpartition("data: ")[2])
    assert (failed.status_code, error_of(failed)["code"]) == (502, "upstream_reset")
    assert last == failed.json()
    assert "[DONE]" not in streamed.text
    assert (away.status_code, error_of(away)["code"]) == (503, "unavailable")
    assert away.headers["retry-after"]
    assert not server.leaks
