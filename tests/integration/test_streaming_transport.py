"""The transport below the official client, against servers that send what no server should."""

import asyncio
import gzip
from contextlib import suppress

import pytest

from chat.llm.http1.connection import READ_BYTES
from chat.llm.http1.reply import MAX_UNREAD_BYTES
from chat.turn.events import TextDelta
from tests.integration.raw_provider import (
    ASKING,
    HEAD,
    WHOLE,
    WORD,
    WORDS,
    Server,
    failure_of,
    model_at,
    saying,
    serving,
    text_from,
)
from tests.latch import Latch


@pytest.mark.parametrize(
    "reply",
    [
        WHOLE,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + WHOLE,
        HEAD + b"\r\n" + WORDS,
        HEAD
        + b"Transfer-Encoding: chunked\r\n\r\n%x;x=y\r\n%b\r\n0\r\nA: b\r\n\r\n"
        % (len(WORDS), WORDS),
        HEAD.replace(b"/1.1", b"/1.0") + b"\r\n" + WORDS,
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(WORDS),
        HEAD + b"Content-Encoding: identity\r\n\r\n" + WORDS,
    ],
)
async def test_body_of_every_form_is_read(reply: bytes) -> None:
    async with saying(reply) as server, model_at(server.base_url) as model:
        assert await text_from(model) == "yes"


@pytest.mark.parametrize(
    "reply",
    [
        HEAD + b"Content-Length: 5, 6\r\n\r\n" + WORDS,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + WORD,
        HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n" + WORDS,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"",
    ],
)
async def test_reply_that_is_no_http_is_a_reset(reply: bytes) -> None:
    async with saying(reply) as server, model_at(server.base_url) as model:
        assert (await failure_of(model)).code == "upstream_reset"


async def test_connection_is_used_again() -> None:
    async with saying(WHOLE, WHOLE, WHOLE) as server, model_at(server.base_url) as model:
        for _ in range(3):
            assert await text_from(model) == "yes"

    assert (server.connections, len(server.requests)) == (1, 3)


@pytest.mark.parametrize(
    "reply",
    [
        HEAD + b"Connection: close\r\n" + WHOLE[len(HEAD) :],
        HEAD.replace(b"/1.1", b"/1.0") + WHOLE[len(HEAD) :],
        WHOLE + b"surplus",
    ],
)
async def test_connection_that_cannot_be_trusted_is_not_used_again(reply: bytes) -> None:
    async with saying(reply, WHOLE) as server, model_at(server.base_url) as model:
        for _ in range(2):
            assert await text_from(model) == "yes"

    assert server.connections == 2


async def test_idle_connection_that_the_server_closed_is_replaced() -> None:
    server = Server()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Closes as the second request comes, as a server does whose patience ends just then."""
        await server.request(reader)
        writer.write(WHOLE)
        if server.connections == 1:
            await reader.readexactly(1)

    async with serving(server, talk), model_at(server.base_url) as model:
        assert [await text_from(model), await text_from(model)] == ["yes", "yes"]

    assert server.connections == 2


async def test_request_is_not_sent_twice_to_a_server_that_had_begun() -> None:
    async with saying(WHOLE, b"HTTP/1.1 200") as server, model_at(server.base_url) as model:
        await text_from(model)

        assert (await failure_of(model)).code == "upstream_reset"

    assert (server.connections, len(server.requests)) == (1, 2)


async def test_redirect_is_not_followed() -> None:
    async with saying(WHOLE) as elsewhere:
        location = f"Location: {elsewhere.base_url}/chat/completions\r\n".encode()
        redirect = b"HTTP/1.1 307 No\r\n" + location + b"Content-Length: 0\r\n\r\n"
        async with saying(redirect) as server, model_at(server.base_url) as model:
            error = await failure_of(model)

    assert (error.code, error.retryable) == ("upstream_error", False)
    assert elsewhere.requests == []


async def test_no_more_than_the_beginning_of_an_error_is_read() -> None:
    server, gone = Server(), Latch()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.request(reader)
        writer.write(b"HTTP/1.1 500 No\r\nContent-Type: text/plain\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b"secret" * 1000)
                await writer.drain()
        gone.open()

    async with serving(server, talk), model_at(server.base_url) as model:
        assert (await failure_of(model)).code == "upstream_error"
        await asyncio.wait_for(gone.wait(), 1)


async def test_reader_who_waits_makes_the_server_wait() -> None:
    server, stuck = Server(), Latch()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.request(reader)
        writer.write(HEAD + b"\r\n")
        with suppress(TimeoutError):
            while True:
                writer.write(WORD * 1000)
                await asyncio.wait_for(writer.drain(), 0.2)
        stuck.open()
        writer.transport.abort()

    async with serving(server, talk), model_at(server.base_url) as model:
        stream = model.stream(ASKING)
        await anext(stream)

        await asyncio.wait_for(stuck.wait(), 10)

        event = await anext(stream)
        assert isinstance(event, TextDelta)
        assert len(event.text) / len("yes") * len(WORD) <= MAX_UNREAD_BYTES + READ_BYTES
        await stream.aclose()


async def test_hundreds_of_streams_run_at_once() -> None:
    server, everybody = Server(), Latch()
    count = 300

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.request(reader)
        if len(server.requests) == count:
            everybody.open()
        await everybody.wait()
        writer.write(WHOLE)

    async with serving(server, talk), model_at(server.base_url) as model:
        texts = await asyncio.gather(*[text_from(model) for _ in range(count)])

    assert texts == ["yes"] * count


async def test_very_long_and_very_many_deltas_are_read() -> None:
    long = WORD.replace(b"yes", b"x" * 1_000_000)
    many = WORD.replace(b"yes", b"y") * 100_000
    async with (
        saying(HEAD + b"\r\n" + long + many + WORDS) as server,
        model_at(server.base_url) as model,
    ):
        text = await text_from(model)

    assert text == "x" * 1_000_000 + "y" * 100_000 + "yes"
