"""The codes of a provider's failures, and which of them are worth another try."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from chat.turn.events import TextDelta
from chat.turn.language_model import ModelEvent, UpstreamError
from tests.integration.openai_model import (
    ASKING,
    QUICK,
    STOP,
    STREAM_HEAD,
    events_of,
    failure_of,
    model_at,
    scripted,
    text_of,
)
from tests.openai_script import Answer, Body, Drop, Malformed, Raw, Status, Step, Truncate
from tests.openai_server import OpenAIServer


async def collect(stream: AsyncGenerator[ModelEvent, None], events: list[ModelEvent]) -> None:
    async for event in stream:
        events.append(event)


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
