"""The real adapter and the real client against the scripted server, over a real socket."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import product

import pytest

from chat.llm.clocks import ModelClocks
from chat.llm.openai import OpenAILanguageModel
from chat.turn.events import TextDelta
from chat.turn.language_model import (
    ChatMessage,
    ModelEvent,
    ModelRequest,
    RoundFinished,
    RoundUsage,
    Tool,
    ToolCall,
    ToolCallDelta,
    UpstreamError,
)
from chat.turn.tool_calls import ToolCallAssembler
from tests.latch import Latch
from tests.model_events import merged
from tests.openai_script import (
    FORMS,
    ID_STYLES,
    Answer,
    Body,
    CallTool,
    Drop,
    Malformed,
    Raw,
    Stall,
    Status,
    Step,
    Truncate,
)
from tests.openai_server import OpenAIServer

KEY = "sk-canary-0123456789"
QUESTION = "孩子总是撞头怎么办?"
TOOL = Tool(name="search_expert_answers", description="Searches.", parameters={"type": "object"})
ASKING = ModelRequest(messages=(ChatMessage(role="user", content=QUESTION),), tools=(TOOL,))
STOP = RoundFinished(reason="stop")
PATIENT = ModelClocks(first_content_seconds=10, progress_seconds=10, round_seconds=20)
QUICK = 0.15


@asynccontextmanager
async def model_at(
    base_url: str, clocks: ModelClocks = PATIENT, *, key: str = KEY, connect_seconds: float = 5
) -> AsyncIterator[OpenAILanguageModel]:
    model = OpenAILanguageModel(
        api_key=key,
        base_url=base_url,
        model="scripted",
        temperature=0.3,
        clocks=clocks,
        connect_seconds=connect_seconds,
    )
    try:
        yield model
    finally:
        await model.aclose()


@asynccontextmanager
async def scripted(
    *steps: Step, clocks: ModelClocks = PATIENT, knows_stream_options: bool = True
) -> AsyncIterator[tuple[OpenAIServer, OpenAILanguageModel]]:
    async with (
        OpenAIServer(*steps, knows_stream_options=knows_stream_options) as server,
        model_at(server.base_url, clocks) as model,
    ):
        yield server, model


async def events_of(stream: AsyncGenerator[ModelEvent, None]) -> list[ModelEvent]:
    return [event async for event in stream]


async def collect(stream: AsyncGenerator[ModelEvent, None], events: list[ModelEvent]) -> None:
    async for event in stream:
        events.append(event)


async def failure_of(model: OpenAILanguageModel) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await events_of(model.stream(ASKING))
    return caught.value


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def calls_of(events: list[ModelEvent]) -> tuple[ToolCall, ...]:
    assembler = ToolCallAssembler()
    for event in events:
        if isinstance(event, ToolCallDelta):
            assembler.add(event)
    return assembler.calls()


async def soon(latch: Latch) -> None:
    await asyncio.wait_for(latch.wait(), 1)


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


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
FAILURES = [
    (Drop(headers=False), "upstream_reset"),
    (Drop(headers=False, how="rst"), "upstream_reset"),
    (Drop(), "upstream_reset"),
    (Drop(2), "upstream_reset"),
    (Drop(2, how="rst"), "upstream_reset"),
    (Truncate(), "upstream_truncated"),
    (Truncate(2), "upstream_truncated"),
    (Answer("yes", finish_reason="", hangs=True), "upstream_truncated"),
    (Malformed(2), "upstream_malformed"),
    (Malformed(2, payload=b'"\xff"'), "upstream_malformed"),
    (Malformed(2, payload=b'{"error":{"message":"secret"}}'), "upstream_error"),
    (Body(b"data: " + b"x" * 2_000_000), "upstream_malformed"),
    (Body(b""), "upstream_truncated"),
    (Body(b"<html>", content_type="text/html"), "upstream_error"),
    (Body(b'{"choices":[]}', content_type="application/json"), "upstream_error"),
    (Raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "upstream_reset"),
    (Raw(STREAM_HEAD + b"Content-Encoding: gzip\r\n\r\nnot gzip"), "upstream_malformed"),
    (Raw(b"HTTP/1.1 500 No\r\nContent-Length: 99\r\n\r\ncut"), "upstream_reset"),
    (Status(401), "upstream_error"),
    (Status(404), "upstream_error"),
    (Status(429), "upstream_rate_limited"),
    (Status(500), "upstream_error"),
    (Status(503), "upstream_error"),
]


@pytest.mark.parametrize(("step", "code"), FAILURES)
async def test_failure_has_its_code_and_nobody_elses_words(step: Step, code: str) -> None:
    async with scripted(step) as (server, model):
        error = await failure_of(model)

    assert (error.code, error.args) == (code, (code,))
    assert len(server.requests) == 1


async def test_what_came_before_a_failure_is_kept() -> None:
    async with scripted(Drop(2)) as (_, model):
        events: list[ModelEvent] = []

        with pytest.raises(UpstreamError, match="upstream_reset"):
            await collect(model.stream(ASKING), events)

    assert text_of(events) == "piece 1 piece 2 "


async def test_connection_dropped_after_the_finish_reason_loses_nothing() -> None:
    whole = b'data: {"choices":[{"delta":{"content":"yes"},"finish_reason":"stop"}]}\n\n'
    cut = Raw(STREAM_HEAD + b"Content-Length: 999\r\n\r\n" + whole)
    async with scripted(cut) as (_, model):
        events = await events_of(model.stream(ASKING))

    assert events == [TextDelta(text="yes"), STOP]


async def test_refused_connection_is_a_reset() -> None:
    async with OpenAIServer() as server:
        pass
    async with model_at(server.base_url) as model:
        assert (await failure_of(model)).code == "upstream_reset"


async def test_failed_tls_is_a_reset() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 this is not TLS\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with model_at(f"https://127.0.0.1:{port}/v1") as model:
            assert (await failure_of(model)).code == "upstream_reset"


async def test_server_that_does_not_pick_up_is_a_timeout() -> None:
    with socket.socket() as listening, socket.socket() as first_in_line:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        first_in_line.connect(("127.0.0.1", port))
        async with model_at(f"http://127.0.0.1:{port}/v1", connect_seconds=QUICK) as model:
            assert (await failure_of(model)).code == "upstream_timeout"


async def test_key_that_cannot_be_sent_is_an_error() -> None:
    async with scripted() as (server, _), model_at(server.base_url, key="ключ") as model:
        assert (await failure_of(model)).code == "upstream_error"


@pytest.mark.parametrize(
    ("step", "retryable"),
    [
        (Status(400), False),
        (Status(401), False),
        (Status(403), False),
        (Status(404), False),
        (Status(408), True),
        (Status(409), True),
        (Status(429), True),
        (Status(500), True),
        (Status(503), True),
        (Drop(), True),
        (Malformed(2), True),
    ],
)
async def test_only_what_may_pass_is_worth_another_try(step: Step, *, retryable: bool) -> None:
    async with scripted(step, step) as (_, model):
        assert (await failure_of(model)).retryable is retryable


@pytest.mark.parametrize("code", [429, 503])
async def test_wait_that_a_server_asks_for_is_passed_on(code: int) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    async with scripted(Status(code, retry_after=7), Status(code, retry_after=date)) as (_, model):
        in_seconds, until_date = await failure_of(model), await failure_of(model)

    assert in_seconds.retry_after_seconds == 7
    assert until_date.retry_after_seconds == pytest.approx(60, abs=10)


FIRST = replace(PATIENT, first_content_seconds=QUICK)
PROGRESS = replace(PATIENT, progress_seconds=QUICK)
ROUND = replace(PATIENT, round_seconds=0.5)  # long enough for a first delta on a busy machine


@pytest.mark.parametrize(
    ("step", "clocks", "code"),
    [
        (Stall(headers=False), FIRST, "upstream_timeout"),
        (Stall(), FIRST, "upstream_timeout"),
        (Stall(comment_seconds=0.01), FIRST, "upstream_timeout"),
        (Stall(1), PROGRESS, "upstream_stalled"),
        (Stall(1, comment_seconds=0.01), PROGRESS, "upstream_stalled"),
        (Stall(), ROUND, "upstream_timeout"),
    ],
)
async def test_silence_has_its_code_and_ends_the_request(
    step: Step, clocks: ModelClocks, code: str
) -> None:
    async with scripted(step, clocks=clocks) as (server, model):
        error = await failure_of(model)

        assert error.code == code
        await soon(server.requests[0].disconnected)


@pytest.mark.parametrize(
    "step", [Stall(1), Stall(1, comment_seconds=0.01), Answer("endless " * 500, pace=0.01)]
)
async def test_round_that_takes_too_long_keeps_its_text(step: Step) -> None:
    async with scripted(step, clocks=ROUND) as (server, model):
        events = await events_of(model.stream(ASKING))

        await soon(server.requests[0].disconnected)

    assert text_of(events)
    assert events[-1] == RoundFinished(reason="length")


async def test_round_without_a_word_is_not_worth_another() -> None:
    thought = b'data: {"choices":[{"delta":{"reasoning_content":"Hmm"}}]}\n\n'
    async with endless(thought) as base_url, model_at(base_url, ROUND) as model:
        error = await failure_of(model)

    assert (error.code, error.retryable) == ("upstream_timeout", False)


async def test_endless_stream_is_cut_short_and_lets_others_run() -> None:
    word = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
    async with endless(word) as base_url, model_at(base_url, ROUND) as model:
        longest = 0.0
        reading = asyncio.create_task(events_of(model.stream(ASKING)))
        while not reading.done():
            began = asyncio.get_running_loop().time()
            await asyncio.sleep(0)
            longest = max(longest, asyncio.get_running_loop().time() - began)

    assert reading.result()[-1] == RoundFinished(reason="length")
    assert longest < ROUND.round_seconds / 2


@asynccontextmanager
async def endless(event: bytes) -> AsyncIterator[str]:
    """A server that says the same for ever, as fast as it can; its base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(STREAM_HEAD + b"\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(event * 1000)
                await writer.drain()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def test_slow_reader_is_not_a_silent_model() -> None:
    async with scripted(Answer("x" * 12, pieces=12, pace=0.03), clocks=PROGRESS) as (server, model):
        stream = model.stream(ASKING)
        await anext(stream)

        await asyncio.wait_for(server.requests[0].answered.wait(), 5)

        assert text_of(await events_of(stream)) == "x" * 11


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("hangs", [True, False])
async def test_answer_is_whole_without_a_proper_end(done: bool, hangs: bool) -> None:  # noqa: FBT001
    clocks = replace(PATIENT, trailer_seconds=QUICK, goodbye_seconds=QUICK)
    async with scripted(Answer("yes", done=done, hangs=hangs), clocks=clocks) as (_, model):
        events = await events_of(model.stream(ASKING))

    assert text_of(events) == "yes"
    assert events[-1] == STOP


async def test_closing_the_stream_closes_the_connection() -> None:
    async with scripted(Stall(1)) as (server, model):
        stream = model.stream(ASKING)
        await anext(stream)

        await stream.aclose()

        await soon(server.requests[0].disconnected)


@pytest.mark.parametrize("step", [Stall(headers=False), Stall(), Stall(3)])
async def test_cancelling_the_reader_closes_the_connection(step: Step) -> None:
    async with scripted(step) as (server, model):
        reader = asyncio.create_task(events_of(model.stream(ASKING)))
        request = await server.request(1)

        reader.cancel()

        with pytest.raises(asyncio.CancelledError):
            await reader
        await soon(request.disconnected)


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
