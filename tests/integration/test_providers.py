"""Every provider that docs/providers.md names: its wire form, through the real adapter.

The recordings are our own, written after each provider's public documentation. Those of a tool
call and the answer to it go through a whole turn.
"""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from chat.llm.clocks import ModelClocks
from chat.llm.openai import OpenAILanguageModel
from chat.llm.parameters import THINKING, optional_parameters
from chat.turn.events import JsonValue, Outcome, Searching, TextDelta, TurnEvent, Usage
from chat.turn.language_model import (
    ChatMessage,
    ModelRequest,
    RoundFinished,
    RoundUsage,
    Tool,
    ToolCallDelta,
    UpstreamError,
)
from chat.turn.loop import run_turn
from chat.turn.prompt import CHINESE
from chat.turn.request import TurnRequest
from chat.turn.tool_calls import ToolCallAssembler
from tests.experts import ScriptedSearch, answer, clear
from tests.provider_replies import (
    ANSWER,
    FAILURES,
    PARAMETER_REFUSED,
    QUESTION,
    ROUNDS,
    TEMPERATURE_REFUSED,
    Failure,
    Round,
)
from tests.replay_server import RECORDINGS, ReplayServer

BASE_PATHS = {
    "openai": "/v1",
    "azure": "/openai/v1/",
    "deepseek": "",
    "qwen": "/compatible-mode/v1",
    "moonshot": "/v1",
    "minimax": "/v1",
    "ollama": "/v1",
    "vllm": "/v1",
    "llamacpp": "/v1",
}
TOOL = Tool(name="search_expert_answers", description="Searches.", parameters={"type": "object"})
ASKING = ModelRequest(messages=(ChatMessage(role="user", content=QUESTION),), tools=(TOOL,))
BEYOND_OPENAI = frozenset({"thinking", "reasoning_split"})
CLOCKS = ModelClocks(first_content_seconds=10, progress_seconds=10, round_seconds=20)


@asynccontextmanager
async def played(
    *names: str, piece_bytes: int = 65_536
) -> AsyncIterator[tuple[ReplayServer, OpenAILanguageModel]]:
    """These recordings of one provider, behind a base URL such as the provider's."""
    base_path = BASE_PATHS[names[0].partition("/")[0]]
    async with ReplayServer(*names, piece_bytes=piece_bytes) as server:
        model = OpenAILanguageModel(
            api_key="sk-canary-0123456789",
            base_url=server.address + base_path,
            model="recorded",
            temperature=0.3,
            clocks=CLOCKS,
            connect_seconds=5,
        )
        try:
            yield server, model
        finally:
            await model.aclose()


async def reply_of(model: OpenAILanguageModel) -> Round:
    """A whole round."""
    text, usage, finish = "", None, None
    assembler = ToolCallAssembler()
    async with aclosing(model.stream(ASKING)) as events:
        async for event in events:
            match event:
                case TextDelta():
                    text += event.text
                case ToolCallDelta():
                    assembler.add(event)
                case RoundUsage():
                    usage = (event.input_tokens, event.output_tokens)
                case RoundFinished():
                    finish = event.reason
    calls = assembler.calls()
    assert finish
    assert all(call.id and call.name == TOOL.name for call in calls)
    asked = tuple(json.loads(call.arguments)["question"] for call in calls)
    return Round(text=text, asked=asked, usage=usage, finish=finish)


async def failure_of(model: OpenAILanguageModel) -> Failure:
    """An error, and the text before it."""
    texts: list[str] = []
    with pytest.raises(UpstreamError) as caught:
        await noted_in(texts, model)
    error = caught.value
    assert error.args == (error.code,)
    return Failure(
        code=error.code,
        retryable=error.retryable,
        retry_after=error.retry_after_seconds,
        text="".join(texts),
    )


async def noted_in(texts: list[str], model: OpenAILanguageModel) -> None:
    async with aclosing(model.stream(ASKING)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                texts.append(event.text)


def test_every_recording_is_expected_to_come_to_something() -> None:
    names = {
        str(path.relative_to(RECORDINGS).with_suffix("")) for path in RECORDINGS.rglob("*.http")
    }

    assert names == {*ROUNDS, *FAILURES, *TEMPERATURE_REFUSED, *PARAMETER_REFUSED}
    assert {name.partition("/")[0] for name in names} == BASE_PATHS.keys()


@pytest.mark.parametrize("piece_bytes", [65_536, 7])
@pytest.mark.parametrize("name", ROUNDS)
async def test_reply_is_read_as_it_was_meant(name: str, piece_bytes: int) -> None:
    async with played(name, piece_bytes=piece_bytes) as (_, model):
        reply = await reply_of(model)

    assert reply == ROUNDS[name]


@pytest.mark.parametrize("name", FAILURES)
async def test_error_has_its_code_and_nobody_elses_words(name: str) -> None:
    # Twice: a server that refuses the form of a request is asked once more in an older form.
    async with played(name, name, name) as (_, model):
        failure = await failure_of(model)

    assert failure == FAILURES[name]


@pytest.mark.parametrize("provider", BASE_PATHS)
async def test_request_goes_to_the_address_below_the_base_url(provider: str) -> None:
    async with played(f"{provider}/greeting") as (server, model):
        await reply_of(model)

    [asked] = server.asked
    assert asked.path == BASE_PATHS[provider].rstrip("/") + "/chat/completions"
    assert asked.headers["authorization"] == "Bearer sk-canary-0123456789"
    assert asked.body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("name", TEMPERATURE_REFUSED)
async def test_model_with_one_temperature_only_is_asked_without(name: str) -> None:
    greeting = f"{name.partition('/')[0]}/greeting"
    async with played(name, greeting, greeting) as (server, model):
        first, second = await reply_of(model), await reply_of(model)

    assert first == second == ROUNDS[greeting]
    assert ["temperature" in asked.body for asked in server.asked] == [True, False, False]
    assert all("stream_options" in asked.body for asked in server.asked)


@pytest.mark.parametrize(
    ("host", "asked_for"),
    [
        ("api.deepseek.com", {"thinking": {"type": "disabled"}}),
        ("api.moonshot.cn", {"thinking": {"type": "disabled"}}),
        ("api.moonshot.ai", {"thinking": {"type": "disabled"}}),
        ("api.minimaxi.com", {"reasoning_split": True}),
        ("api.minimax.io", {"reasoning_split": True}),
        ("api.openai.com", {}),
    ],
)
def test_thoughts_that_would_be_in_the_way_are_not_asked_for(
    host: str, asked_for: dict[str, JsonValue]
) -> None:
    offered = optional_parameters(host, temperature=0.3, visitor="")

    assert {name: offered[name] for name in offered.keys() & BEYOND_OPENAI} == asked_for


async def test_parameters_beyond_openais_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    thinking: dict[str, JsonValue] = {"thinking": {"type": "disabled"}}
    monkeypatch.setitem(THINKING, "127.0.0.1", thinking)
    async with played("deepseek/greeting") as (server, model):
        await reply_of(model)

    assert server.asked[0].body["thinking"] == {"type": "disabled"}


async def test_model_that_cannot_but_think_is_asked_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(THINKING, "127.0.0.1", {"thinking": {"type": "disabled"}})
    async with played("moonshot/thinking_required", "moonshot/thinking") as (server, model):
        reply = await reply_of(model)

    assert reply == ROUNDS["moonshot/thinking"]
    assert ["thinking" in asked.body for asked in server.asked] == [True, False]


@pytest.mark.parametrize("provider", BASE_PATHS)
async def test_turn_calls_the_tool_and_answers_from_what_was_found(provider: str) -> None:
    call, answered = f"{provider}/tool_call", f"{provider}/answer"
    search = ScriptedSearch(clear(answer(QUESTION, ANSWER)))
    request = TurnRequest(question=QUESTION, texts=CHINESE)
    async with (
        played(call, answered) as (server, model),
        aclosing(run_turn(request, search, model)) as stream,
    ):
        events: list[TurnEvent] = [event async for event in stream]

    outcome = events[-1]
    assert isinstance(outcome, Outcome)
    assert (outcome.status, outcome.finish, outcome.grounding) == ("done", "stop", "answer")
    assert outcome.usage == usage_of(ROUNDS[call], ROUNDS[answered])
    assert Searching(question=QUESTION) in events
    shown = "".join(event.text for event in events if isinstance(event, TextDelta))
    said = (ROUNDS[call].text, ROUNDS[answered].text)
    assert shown == "\n\n".join(text for text in said if text)
    assert_exchange_is_told(server)


def usage_of(*rounds: Round) -> Usage:
    counted = [each.usage for each in rounds if each.usage]
    return Usage(
        input_tokens=sum(read for read, _ in counted),
        output_tokens=sum(written for _, written in counted),
        estimated=len(counted) < len(rounds),
    )


def assert_exchange_is_told(server: ReplayServer) -> None:
    """The second request repeats the call, and gives the answer that was found under its id."""
    first, second = server.asked
    *_, called, result = second.body["messages"]
    [call] = called["tool_calls"]
    assert first.body["tools"][0]["function"]["name"] == call["function"]["name"] == TOOL.name
    assert json.loads(call["function"]["arguments"]) == {"question": QUESTION}
    assert (result["role"], result["tool_call_id"]) == ("tool", call["id"])
    assert ANSWER in result["content"]
    assert second.body["temperature"] == 0
