"""Who is let in at /ws/chat/, and how a connection begins."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.chat_client import LIMIT_SECONDS, PROTOCOL, ChatClient, Visitor
from tests.raw_socket import request
from tests.serving import ChatServer
from tests.uvicorn_server import EVERY_SERVER


def handshake(
    server: ChatServer, *, origin: str | None, subprotocols: Sequence[str] = (), cookie: str = ""
) -> connect:
    return connect(
        server.socket_url,
        origin=Origin(origin) if origin is not None else None,
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        additional_headers={"Cookie": cookie} if cookie else None,
        compression=None,
    )


async def received(socket: ClientConnection) -> Any:
    return json.loads(await socket.recv())


@EVERY_SERVER
@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://sub.localhost:{port}",
        "http://localhost.evil:{port}",
        "http://127.0.0.1:{port}/",
    ],
)
async def test_t20_page_of_another_origin_is_refused(
    model_server: ChatServer, origin: str | None
) -> None:
    named = origin.format(port=model_server.port) if origin is not None else None

    with pytest.raises(InvalidStatus) as refusal:
        await handshake(model_server, origin=named)

    assert refusal.value.response.status_code == 403


CONTROL_BYTES = ["X-Note: a\x0bb", "X-Note: a\x85Origin: {ours}", "X-Note: a\x00b", "X No: b"]


@EVERY_SERVER
@pytest.mark.parametrize("line", CONTROL_BYTES)
async def test_t19_header_with_control_bytes_lets_nobody_in(
    model_server: ChatServer, line: str
) -> None:
    headers = [line.format(ours=model_server.url), "Origin: http://evil.example"]

    status = await status_of(model_server, request(model_server, headers))

    assert status in {400, 403}


async def test_t19_upgrade_with_two_lengths_lets_nobody_in(model_server: ChatServer) -> None:
    """Not under uvicorn, which leaves such a request without an answer."""
    headers = ["Content-Length: 5", "Transfer-Encoding: chunked"]

    status = await status_of(model_server, request(model_server, headers) + b"0\r\n\r\n")

    assert status == 400


async def status_of(server: ChatServer, sent: bytes) -> int:
    """Of the first answer to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            line = await reader.readline()
    finally:
        writer.close()
    return int(line.split()[1])


@pytest.mark.parametrize(
    "origins",
    [["http://evil.example", "{ours}"], ["{ours}", "http://evil.example"], ["{ours}"] * 2],
)
async def test_t19_second_origin_header_is_refused(
    expert_server: ChatServer, origins: list[str]
) -> None:
    headers = [("Origin", origin.format(ours=expert_server.url)) for origin in origins]

    with pytest.raises(InvalidStatus) as refusal:
        await connect(expert_server.socket_url, additional_headers=headers)

    assert refusal.value.response.status_code in {400, 403}  # 400: Daphne cannot read it


async def test_every_allowed_origin_is_let_in(expert_server: ChatServer) -> None:
    origin = f"http://localhost:{expert_server.port}"

    async with handshake(expert_server, origin=origin) as socket:
        assert (await received(socket))["type"] == "welcome"


async def test_welcome_says_what_a_client_must_know(model_server: ChatServer) -> None:
    async with handshake(model_server, origin=model_server.url, subprotocols=[PROTOCOL]) as socket:
        welcome = await received(socket)

    assert isinstance(welcome.pop("server"), str)
    assert welcome == {
        "type": "welcome",
        "protocol": 1,
        "mode": "model",
        "visitor": {"name": None, "signed_in": False},
        "limits": {"frame": 16_384, "text": 8_192},
        "ping_seconds": 1,
    }


async def test_server_without_a_model_says_so(expert_server: ChatServer) -> None:
    async with handshake(expert_server, origin=expert_server.url) as socket:
        welcome = await received(socket)

    assert welcome["mode"] == "expert_only"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [((), None), ((PROTOCOL,), PROTOCOL), (("other.v7", PROTOCOL), PROTOCOL)],
)
async def test_our_subprotocol_is_chosen_where_it_is_offered(
    expert_server: ChatServer, offered: tuple[str, ...], chosen: str | None
) -> None:
    async with handshake(expert_server, origin=expert_server.url, subprotocols=offered) as socket:
        welcome = await received(socket)

    assert socket.subprotocol == chosen
    assert welcome["type"] == "welcome"


async def test_client_of_another_protocol_is_told_and_closed(expert_server: ChatServer) -> None:
    async with handshake(
        expert_server, origin=expert_server.url, subprotocols=["expertline.v2"]
    ) as socket:
        error = await received(socket)
        await socket.wait_closed()

    assert (error["type"], error["code"], error["id"]) == ("error", "version", None)
    assert socket.close_code == 4506


@EVERY_SERVER
@pytest.mark.parametrize("cookie", ["", "sessionid=forged", "sessionid=", 'sessionid="\\', "a=b"])
async def test_t22_unknown_session_is_a_visitor_of_its_own(
    model_server: ChatServer, cookie: str
) -> None:
    async with ChatClient(await Visitor.arrive(model_server)) as alice:
        ended = await alice.ask("What shall I do when he screams?")
        known = alice.conversation_of(ended["turn"])

    stranger = Visitor(server=model_server, cookie=cookie)
    async with ChatClient(stranger) as mallory:
        code = await mallory.error({"type": "subscribe", "conversation": known})

    assert code == "not_found"
