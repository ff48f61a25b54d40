"""The real adapter and the real client against the scripted server, over a real socket."""

import asyncio
import subprocess
import sys
from itertools import product

from chat.turn.events import TextDelta
from chat.turn.language_model import (
    ChatMessage,
    ModelEvent,
    ModelRequest,
    RoundFinished,
    RoundUsage,
    ToolCall,
    ToolCallDelta,
)
from chat.turn.tool_calls import ToolCallAssembler
from tests.integration.openai_model import (
    ASKING,
    KEY,
    QUESTION,
    STOP,
    TOOL,
    events_of,
    model_at,
    scripted,
    text_of,
)
from tests.latch import Latch
from tests.model_events import merged
from tests.openai_script import FORMS, ID_STYLES, Answer, CallTool


def calls_of(events: list[ModelEvent]) -> tuple[ToolCall, ...]:
    assembler = ToolCallAssembler()
    for event in events:
        if isinstance(event, ToolCallDelta):
            assembler.add(event)
    return assembler.calls()


async def test_text_comes_piece_by_piece_and_then_usage_and_the_end() -> None:
    async with scripted(Answer("别担心,请先看看。", pieces=2, usage=(11, 7))) as (_, model):
        events = await events_of(model.stream(ASKING))

    usage = RoundUsage(input_tokens=11, output_tokens=7)
    assert merged(events) == [TextDelta(text="别担心,请先看看。"), usage, STOP]


async def test_delta_comes_while_the_model_is_still_writing() -> None:
    gate = Latch()
    async with scripted(Answer("ab", pieces=2, gate=gate, gate_after=1)) as (_, model):
        stream = model.stream(ASKING)
        assert await anext(stream) == TextDelta(text="a")

        gate.open()
        assert text_of(await events_of(stream)) == "b"


async def test_request_says_all_that_a_server_needs() -> None:
    async with scripted() as (server, model):
        await events_of(model.stream(ASKING))

    [request] = server.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body["model"] == model.name == "scripted"
    assert request.body["messages"] == [{"role": "user", "content": QUESTION}]
    assert request.body["tools"][0]["function"]["name"] == TOOL.name
    assert request.body["tool_choice"] == "auto"
    assert request.body["temperature"] == 0.3
    assert request.body["stream_options"] == {"include_usage": True}


CALLS = [
    CallTool(QUESTION, first_arguments=None),
    CallTool(QUESTION, name_pieces=3),
    CallTool(QUESTION, text_before="我查一下。"),
    CallTool(QUESTION, finish_reason="stop"),
    *[
        CallTool(QUESTION, form=form, index=index, id_style=id_style, fragments=fragments)
        for form, index, id_style in product(FORMS, (True, False), ID_STYLES)
        for fragments in (1, 3, 1000)
    ],
]


async def test_tool_call_of_every_form_is_put_together() -> None:
    async with scripted(*CALLS) as (_, model):
        for step in CALLS:
            events = await events_of(model.stream(ASKING))

            [call] = calls_of(events)
            assert call.id, step
            assert (call.name, call.arguments) == (TOOL.name, f'{{"question": "{QUESTION}"}}'), step
            assert text_of(events) == step.text_before
            assert events[-1] == RoundFinished(reason="tool_calls"), step


async def test_conversation_with_a_tool_goes_on_over_one_connection() -> None:
    async with scripted() as (server, model):
        calls = calls_of(await events_of(model.stream(ASKING)))
        messages = (
            *ASKING.messages,
            ChatMessage(role="assistant", content="", tool_calls=calls),
            ChatMessage(role="tool", content="先确保安全。", tool_call_id=calls[0].id),
        )
        answer = await events_of(model.stream(ModelRequest(messages=messages)))

    assert text_of(answer) == "先确保安全。"
    assert len({request.connection for request in server.requests}) == 1


async def test_local_server_needs_no_key() -> None:
    async with scripted() as (server, _), model_at(server.base_url, key="") as model:
        await events_of(model.stream(ASKING))

    assert server.requests[0].headers["authorization"] == "Bearer none"


async def test_rounds_at_the_same_time_share_one_client() -> None:
    async with scripted() as (server, model):
        rounds = await asyncio.gather(*[events_of(model.stream(ASKING)) for _ in range(20)])

    assert len(rounds) == len(server.requests) == 20


async def test_closed_model_opens_a_new_connection() -> None:
    async with scripted() as (server, model):
        await events_of(model.stream(ASKING))
        await model.aclose()
        await events_of(model.stream(ASKING))

    assert len({request.connection for request in server.requests}) == 2


def test_openai_is_not_imported_at_start() -> None:
    program = "import sys, chat.llm.openai; sys.exit('openai' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
