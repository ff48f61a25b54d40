"""A provider that is silent, endless or slow, and readers who leave it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from chat.llm.clocks import ModelClocks
from chat.turn.language_model import RoundFinished
from tests.integration.openai_model import (
    ASKING,
    PATIENT,
    QUICK,
    STOP,
    STREAM_HEAD,
    events_of,
    failure_of,
    model_at,
    scripted,
    soon,
    text_of,
)
from tests.openai_script import Answer, Stall, Step

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
