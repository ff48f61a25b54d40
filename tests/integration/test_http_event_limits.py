"""How much one visitor, one address and one process can have of the streams over HTTP."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx2
import pytest

from tests.chat_client import ChatClient, Visitor, send_command
from tests.conftest import Model
from tests.databases import database_url, rows
from tests.event_client import EventClient, Told
from tests.latch import Latch
from tests.openai_script import Answer
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

REFUSAL = "Service Unavailable"
"""Django logs every 503, those that are given on purpose as well."""
CONNECTIONS = "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = %s"
STREAMS = 6
OF_VISITOR, OF_ADDRESS, OF_PROCESS, SENDS = 2, 3, 4, 2


@pytest.fixture
def narrow_server(database: str, scripted_server: OpenAIServer) -> Iterator[ChatServer]:
    settings = {
        "DATABASE_URL": database_url(database),
        "OPENAI_BASE_URL": scripted_server.base_url,
        "CHAT_MAX_SOCKETS_PER_VISITOR": str(OF_VISITOR),
        "CHAT_MAX_SOCKETS_PER_IP": str(OF_ADDRESS),
        "CHAT_MAX_SOCKETS": str(OF_PROCESS),
        "SENDS_PER_MINUTE": str(SENDS),
    }
    with ChatServer(settings=settings) as server:
        yield server
    assert all(REFUSAL in complaint for complaint in server.complaints)
    assert not server.leaks


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def opened(
    stack: AsyncExitStack, client: EventClient, turn: str
) -> AsyncGenerator[Told, None]:
    """A stream that is open, because it has told something."""
    stream = await stack.enter_async_context(client.following(turn))
    await anext(stream)
    return stream


async def test_streams_are_counted_by_visitor_by_address_and_by_process(
    narrow_server: ChatServer, model: Model, stack: AsyncExitStack
) -> None:
    gate = Latch()
    model.script(*(Answer("Wait.", gate=gate) for _ in range(2)))
    visitors = [await Visitor.arrive(narrow_server) for _ in range(2)]
    alice, bob = [await stack.enter_async_context(EventClient.of(each)) for each in visitors]
    hers, his = [(await each.send("How many of us?"))["turn"] for each in (alice, bob)]

    first, _ = [await opened(stack, alice, hers) for _ in range(OF_VISITOR)]
    of_visitor = await alice.events(hers)
    await opened(stack, bob, his)
    of_address = await bob.events(his)
    async with ChatClient(visitors[1]):
        of_process = await bob.events(his)
        asked = await bob.say(send_command("Another?"), Accept="text/event-stream")
    gate.open()
    last = [each async for each in first][-1]

    answers = (of_visitor, of_address, of_process, asked)
    assert [each.status_code for each in answers] == [429, 429, 503, 503]
    told = [each.json()["error"]["code"] for each in answers]
    assert told == ["rate_limited", "rate_limited", "unavailable", "unavailable"]
    assert of_visitor.headers["retry-after"] == of_process.headers["retry-after"] == "5"
    assert last.kind == "end"


async def test_stream_holds_no_connection_to_the_database(
    database: str, scripted_server: OpenAIServer, model: Model, stack: AsyncExitStack
) -> None:
    settings = {
        "DATABASE_URL": database_url(database),
        "OPENAI_BASE_URL": scripted_server.base_url,
        "DATABASE_THREADS": "1",
        "EMBEDDING_THREADS": "1",
    }
    gate = Latch()
    model.script(*(Answer("Wait.", gate=gate) for _ in range(STREAMS)))
    with ChatServer(settings=settings) as server:
        streams = []
        for _ in range(STREAMS):
            stranger = await stack.enter_async_context(httpx2.AsyncClient(base_url=server.url))
            asking = EventClient(stranger, server).asking(send_command("Wait?"))
            streams.append(await stack.enter_async_context(asking))
            await anext(streams[-1])

        connections = rows(database, CONNECTIONS, database)[0][0]
        gate.open()

    assert connections < STREAMS


async def test_questions_that_come_too_fast_are_refused_with_the_time_to_wait(
    narrow_server: ChatServer, stack: AsyncExitStack
) -> None:
    visitor = await Visitor.arrive(narrow_server)
    client = await stack.enter_async_context(EventClient.of(visitor))
    for _ in range(SENDS):
        await client.send("One after the other.")

    response = await client.say(send_command("And another one."))

    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (429, "rate_limited")
    assert 0 < error["retry_ms"] <= 30_000
    assert int(response.headers["retry-after"]) == -(-error["retry_ms"] // 1000)
