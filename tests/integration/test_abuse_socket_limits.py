"""How many sockets, frames and questions somebody may have, on a server with small limits."""

import asyncio
import json
from collections.abc import Iterator

import httpx2
import pytest

from tests.chat_client import ChatClient, Visitor, new_id, send_command
from tests.conftest import Model, quiet
from tests.databases import database_url
from tests.openai_script import Answer
from tests.openai_server import OpenAIServer
from tests.raw_socket import DROPPED, RawSocket, RefusedError, frame
from tests.serving import ChatServer
from tests.unharmed import unharmed

SOCKETS = 12
SUBSCRIBE = json.dumps({"type": "subscribe", "conversation": new_id()}).encode()


@pytest.fixture(scope="module")
def narrow_server(model_database: str, scripted_server: OpenAIServer) -> Iterator[ChatServer]:
    settings = {
        "DATABASE_URL": database_url(model_database),
        "OPENAI_BASE_URL": scripted_server.base_url,
        "CHAT_MAX_SOCKETS_PER_IP": str(SOCKETS),
        "CHAT_MAX_SOCKETS_PER_VISITOR": "3",
        "SOCKET_FRAMES_PER_SECOND": "2",
        "SOCKET_FRAMES_AT_ONCE": "5",
        "HTTP_IDLE_SECONDS": "1",
    }
    with quiet(ChatServer(settings=settings)) as server:
        yield server


@pytest.fixture(scope="module")
def taciturn_server(expert_database: str) -> Iterator[ChatServer]:
    """Answers two questions a minute of a visitor, and four of an address."""
    settings = {
        "DATABASE_URL": database_url(expert_database),
        "SENDS_PER_MINUTE": "2",
        "SENDS_PER_MINUTE_PER_IP": "4",
    }
    with quiet(ChatServer(settings=settings)) as server:
        yield server


@pytest.fixture(scope="module")
def proxied_server(expert_database: str) -> Iterator[ChatServer]:
    """Believes what this machine says of others, and holds two sockets of each, five in all."""
    settings = {
        "DATABASE_URL": database_url(expert_database),
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "CHAT_MAX_SOCKETS_PER_IP": "2",
        "CHAT_MAX_SOCKETS": "5",
    }
    with quiet(ChatServer(settings=settings)) as server:
        yield server


@pytest.fixture
async def fresh_server(narrow_server: ChatServer) -> ChatServer:
    """Where no socket of an earlier test is open any more."""
    async with asyncio.timeout(10):
        while await measured(narrow_server, "expertline_sockets_open"):
            await asyncio.sleep(0.05)
    return narrow_server


async def measured(server: ChatServer, name: str) -> float:
    """What /metrics says of it; 0 if it says nothing."""
    async with httpx2.AsyncClient() as http:
        text = (await http.get(f"{server.url}/metrics")).text
    lines = (line.rpartition(" ") for line in text.splitlines())
    return next((float(value) for key, _, value in lines if key == name), 0.0)


async def welcomed(socket: RawSocket) -> bool:
    """Whether the socket is let in; False for HTTP 403."""
    try:
        await socket.__aenter__()
        await socket.until("welcome")
    except RefusedError:
        return False
    return True


async def test_t06_no_more_sockets_of_an_address_than_are_allowed(fresh_server: ChatServer) -> None:
    reason = 'expertline_sockets_refused_total{reason="address"}'
    refused_before = await measured(fresh_server, reason)
    sockets = [RawSocket(fresh_server) for _ in range(300)]

    accepted = await asyncio.gather(*(welcomed(socket) for socket in sockets))
    refused = await measured(fresh_server, reason) - refused_before
    for socket in sockets:
        await socket.abort()

    assert (sum(accepted), refused) == (SOCKETS, 300 - SOCKETS)
    async with unharmed(fresh_server):
        pass


async def test_t06_closed_sockets_make_room(fresh_server: ChatServer) -> None:
    for _ in range(3 * SOCKETS):
        async with ChatClient(await Visitor.arrive(fresh_server)):
            pass


async def test_visitor_with_too_many_sockets_is_closed_for_good(fresh_server: ChatServer) -> None:
    alice, bob = await Visitor.arrive(fresh_server), await Visitor.arrive(fresh_server)
    async with ChatClient(alice), ChatClient(alice), ChatClient(alice):
        async with RawSocket(fresh_server, visitor=alice) as fourth:
            code = await fourth.close_code()
        async with ChatClient(bob) as other:
            assert other.all_of("welcome")

    assert code == 4504
    assert [each["code"] for each in fourth.frames] == ["too_many"]


async def test_t31_rotated_forwarding_headers_change_nothing(fresh_server: ChatServer) -> None:
    sockets = [
        RawSocket(
            fresh_server,
            headers=[f"X-Forwarded-For: 1.2.3.{number}", f"X-Real-IP: 1.2.3.{number}"],
        )
        for number in range(2 * SOCKETS)
    ]

    accepted = [await welcomed(socket) for socket in sockets]
    for socket in sockets:
        await socket.abort()

    assert sum(accepted) == SOCKETS


async def test_t31_address_that_a_trusted_proxy_tells_counts_for_itself(
    proxied_server: ChatServer,
) -> None:
    addresses = ["198.51.100.7"] * 3 + ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1::3"]
    sockets = [
        RawSocket(proxied_server, headers=[f"X-Real-IP: {each}", f"X-Forwarded-For: 9.9.9.{n}"])
        for n, each in enumerate(addresses)
    ]

    accepted = [await welcomed(socket) for socket in sockets]
    for socket in sockets:
        await socket.abort()

    assert accepted == [True, True, False] * 2


async def test_process_that_is_full_says_so(proxied_server: ChatServer) -> None:
    async with asyncio.timeout(10):
        while await measured(proxied_server, "expertline_sockets_open"):
            await asyncio.sleep(0.05)
    sockets = [RawSocket(proxied_server, headers=[f"X-Real-IP: 1.2.3.{n}"]) for n in range(5)]
    for socket in sockets:
        assert await welcomed(socket)

    async with RawSocket(proxied_server, headers=["X-Real-IP: 1.2.3.99"]) as late:
        code = await late.close_code()
    for socket in sockets:
        await socket.abort()

    assert code == 4013
    assert late.frames[0]["code"] == "overloaded"
    assert late.frames[0]["retry_ms"] > 0


async def test_t05_client_that_waits_as_it_was_told_is_served(fresh_server: ChatServer) -> None:
    async with RawSocket(fresh_server) as hasty:
        await hasty.until("welcome")
        await hasty.send(frame(SUBSCRIBE) * 6)
        error = [await hasty.until("error") for _ in range(6)][-1]
        await asyncio.sleep(error["retry_ms"] / 1000)  # its own advice
        await hasty.send(frame(SUBSCRIBE))
        answer = await hasty.until("error")

    assert (error["code"], answer["code"]) == ("rate_limited", "not_found")
    assert 0 < error["retry_ms"] <= 500


async def test_pongs_that_were_asked_for_cost_nothing(
    fresh_server: ChatServer, model: Model
) -> None:
    model.script(Answer("A quiet corner helps. " * 40_000, pieces=40))

    async with ChatClient(await Visitor.arrive(fresh_server)) as client:
        ended = await client.ask("Tell me more than there is.")

    assert len(client.all_of("ping")) > 10
    assert (ended["status"], client.all_of("error")) == ("done", [])


async def test_pongs_that_were_not_asked_for_are_counted(fresh_server: ChatServer) -> None:
    async with RawSocket(fresh_server) as mallory:
        await mallory.until("welcome")
        await mallory.send(frame(b'{"type":"pong","k":7}') * 20)

        assert await mallory.close_code() == 4002


async def test_t09_text_that_is_not_utf_8_ends_the_connection(fresh_server: ChatServer) -> None:
    """Not under uvicorn, which tells its log of every such frame."""
    async with unharmed(fresh_server):
        for _ in range(50):
            async with RawSocket(fresh_server) as mallory:
                await mallory.send(frame(b"\xff\xfe"))

                assert await mallory.close_code() in {1007, DROPPED}


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HTTP/1.1\r\nHost: 127", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"],
    ids=["nothing", "half a header", "half a body"],
)
async def test_t08_connection_without_a_whole_request_is_closed(
    narrow_server: ChatServer, sent: bytes
) -> None:
    """After a second here, after sixty by default."""
    async with unharmed(narrow_server), asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", narrow_server.port)
        writer.write(sent)
        answer = await reader.read()
        writer.close()

    assert answer == b""


async def test_too_many_questions_of_a_visitor_are_refused_and_not_stored(
    taciturn_server: ChatServer,
) -> None:
    alice = await Visitor.arrive(taciturn_server)
    async with ChatClient(alice) as one, ChatClient(alice) as other:
        await one.ask("孩子总是撞头怎么办？")
        await other.ask("孩子不说话怎么办？")
        command = send_command("一个人能问多少？")
        code = await one.error(command)

    (error,) = one.all_of("error")
    assert (code, error["id"]) == ("rate_limited", command["id"])
    assert 0 < error["retry_ms"] <= 30_000
    assert len((await alice.get("/api/conversations"))["conversations"]) == 2


async def test_anonymous_visitors_of_one_address_share_a_limit(taciturn_server: ChatServer) -> None:
    codes = []
    for _ in range(5):
        async with ChatClient(await Visitor.arrive(taciturn_server)) as client:
            await client.say(send_command("孩子总是撞头怎么办？"))
            await client.until(client.answered)
            codes += [error["code"] for error in client.all_of("error")]

    assert codes
    assert set(codes) == {"rate_limited"}
