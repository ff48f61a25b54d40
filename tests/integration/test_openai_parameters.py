"""Parameters that a server may refuse: asked for, left out, remembered."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from chat.llm.clocks import ModelClocks
from chat.llm.openai import OpenAILanguageModel
from chat.turn.language_model import ChatMessage, ModelRequest, RoundFinished, UpstreamError
from tests.openai_replies import JsonObject
from tests.openai_script import Raw, Status, Step
from tests.openai_server import OpenAIServer
from tests.replay_server import ReplayServer

ASKING = ModelRequest(messages=(ChatMessage(role="user", content="Why?"),), visitor="hash")
PATIENT = ModelClocks(first_content_seconds=10, progress_seconds=10, round_seconds=20)
OPTIONAL = {"stream_options", "store", "user", "temperature"}


@asynccontextmanager
async def scripted(
    *steps: Step, knows_stream_options: bool = True
) -> AsyncIterator[tuple[OpenAIServer, OpenAILanguageModel]]:
    async with (
        OpenAIServer(*steps, knows_stream_options=knows_stream_options) as server,
        model_at(server.base_url) as model,
    ):
        yield server, model


@asynccontextmanager
async def model_at(base_url: str) -> AsyncIterator[OpenAILanguageModel]:
    model = OpenAILanguageModel(
        api_key="sk-canary-0123456789",
        base_url=base_url,
        model="scripted",
        temperature=0.3,
        clocks=PATIENT,
        connect_seconds=5,
    )
    try:
        yield model
    finally:
        await model.aclose()


async def ask(model: OpenAILanguageModel, request: ModelRequest = ASKING) -> None:
    *_, last = [event async for event in model.stream(request)]
    assert isinstance(last, RoundFinished)


def refusal(error: JsonObject, *, status: int = 400) -> Raw:
    content = json.dumps({"error": error}).encode()
    head = f"HTTP/1.1 {status} No\r\nContent-Type: application/json\r\n"
    return Raw(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)


def offered(server: OpenAIServer) -> list[set[str]]:
    return [OPTIONAL & request.body.keys() for request in server.requests]


async def test_everything_is_offered_to_a_server_that_takes_it() -> None:
    async with scripted() as (server, model):
        await ask(model)

    body = server.requests[0].body
    assert {name: body[name] for name in OPTIONAL} == {
        "stream_options": {"include_usage": True},
        "store": False,
        "user": "hash",
        "temperature": 0.3,
    }


async def test_nobody_is_named_who_is_not_known() -> None:
    async with scripted() as (server, model):
        await ask(model, replace(ASKING, visitor=""))

    assert offered(server) == [OPTIONAL - {"user"}]


async def test_request_has_its_own_temperature() -> None:
    async with scripted() as (server, model):
        await ask(model, replace(ASKING, temperature=0.0))

    assert server.requests[0].body["temperature"] == 0


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        ({"message": "Unsupported value.", "param": "temperature"}, {"temperature"}),
        ({"message": "Invalid.", "param": "stream_options.include_usage"}, {"stream_options"}),
        ({"message": 'Unknown name "store": Cannot find field.'}, {"store"}),
        ({"message": "property 'user' is unsupported"}, {"user"}),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
async def test_what_a_server_refuses_is_left_out_from_then_on(
    error: JsonObject, refused: set[str], status: int
) -> None:
    async with scripted(refusal(error, status=status)) as (server, model):
        await ask(model)
        await ask(model)

    assert offered(server) == [OPTIONAL, OPTIONAL - refused, OPTIONAL - refused]


async def test_server_may_refuse_one_thing_after_another() -> None:
    refusals = [refusal({"param": name, "message": ""}) for name in ("temperature", "store")]
    async with scripted(*refusals) as (server, model):
        await ask(model)
        await ask(model)

    left = OPTIONAL - {"temperature", "store"}
    assert offered(server) == [OPTIONAL, OPTIONAL - {"temperature"}, left, left]


async def test_one_refusal_without_a_name_may_have_had_another_cause() -> None:
    async with scripted(refusal({"message": "Bad request."}, status=400)) as (server, model):
        await ask(model)
        await ask(model)

    assert offered(server) == [OPTIONAL, set(), OPTIONAL]


async def test_two_refusals_without_a_name_are_believed() -> None:
    async with scripted(knows_stream_options=False) as (server, model):
        for _ in range(3):
            await ask(model)

    asked = ["stream_options" in request.body for request in server.requests]
    assert asked == [True, False, True, False, False]


async def test_request_refused_for_another_reason_changes_nothing() -> None:
    async with scripted(Status(400), Status(400)) as (server, model):
        with pytest.raises(UpstreamError) as caught:
            await ask(model)
        await ask(model)

    assert (caught.value.code, caught.value.retryable) == ("upstream_error", False)
    assert offered(server) == [OPTIONAL, set(), OPTIONAL]


@pytest.mark.parametrize("code", ["context_length_exceeded", "content_filter"])
async def test_request_that_nothing_would_mend_is_not_sent_again(code: str) -> None:
    async with scripted(refusal({"message": "No temperature.", "code": code})) as (server, model):
        with pytest.raises(UpstreamError, match="upstream_error"):
            await ask(model)

    assert len(server.requests) == 1


async def test_base_url_may_have_a_query() -> None:
    path, query = "/openai/deployments/one", "api-version=2024-10-21"
    async with (
        ReplayServer("azure/greeting") as server,
        model_at(f"{server.address}{path}?{query}") as model,
    ):
        await ask(model)

    assert server.asked[0].path == f"{path}/chat/completions?{query}"
