"""The shipped nginx site, in a real nginx before real servers."""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.chat_client import ChatClient, Visitor
from tests.conftest import Model
from tests.databases import database_url
from tests.latch import Latch
from tests.nginx_server import NginxServer, NoNginxError, nginx_program
from tests.openai_script import Answer, Drop
from tests.openai_server import OpenAIServer, in_thread
from tests.serving import ChatServer, free_port

QUESTION = "What shall I do when he runs away?"


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    try:
        nginx_program()
    except NoNginxError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


@pytest.fixture
def nginx(model_server: ChatServer) -> Iterator[NginxServer]:
    with NginxServer(model_server.port, origin=model_server.url) as nginx:
        yield nginx


# --- The site


def test_shipped_site_is_one_that_nginx_accepts() -> None:
    with NginxServer(8000, 8001, tls=True) as nginx:
        assert nginx.complaints() == ""


async def test_reply_comes_through_as_it_is_written(
    nginx: NginxServer, alice: Visitor, model: Model
) -> None:
    gate = Latch()
    model.script(Answer("Hold him. Then wait.", pieces=2, gate=gate, gate_after=1))
    async with ChatClient(alice, entrance=nginx) as client:
        accepted = await client.send(QUESTION)
        await client.until(lambda: client.text_of(accepted["turn"]) == "Hold him.")
        gate.open()
        await client.end_of(accepted["turn"])

    assert client.text_of(accepted["turn"]) == "Hold him. Then wait."


async def test_reply_over_http_comes_through_as_it_is_written(
    nginx: NginxServer, model_server: ChatServer, model: Model
) -> None:
    gate = Latch()
    model.script(Answer("Hold him. Then wait.", pieces=2, gate=gate, gate_after=1))
    model_server.private.add(QUESTION)
    asked = {"content": QUESTION}
    async with (
        httpx2.AsyncClient(base_url=nginx.address) as http,
        http.stream("POST", "/api/python", json=asked) as response,
    ):
        chunks = response.aiter_text()
        first = await anext(chunks)
        gate.open()
        rest = [chunk async for chunk in chunks]

    assert (first, "".join(rest)) == ("Hold him.", " Then wait.")


def test_page_and_its_styles_come_through(nginx: NginxServer) -> None:
    page = httpx2.get(f"{nginx.address}/")
    style = httpx2.get(f"{nginx.address}/static/chat/chat.css")

    assert (page.status_code, style.status_code) == (200, 200)
    assert page.headers["content-encoding"] == "gzip"


def test_pages_of_the_admin_are_not_compressed(nginx: NginxServer) -> None:
    """They hold a secret beside what somebody else may have chosen (BREACH)."""
    page = httpx2.get(f"{nginx.address}/admin/login/")

    assert page.status_code == 200
    assert "content-encoding" not in page.headers


def test_metrics_are_not_for_the_public(nginx: NginxServer) -> None:
    addresses = ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/x/../metrics"]

    codes = [httpx2.get(f"{nginx.address}{path}").status_code for path in addresses]

    assert codes == [403] * len(addresses)


async def test_widget_has_a_socket_too(nginx: NginxServer) -> None:
    address = nginx.socket_url.replace("/ws/chat/", "/ws/widget/")

    async with connect(address, origin=Origin(nginx.url)) as socket:
        assert "welcome" in str(await socket.recv())


def test_only_the_chat_becomes_a_socket(nginx: NginxServer) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}

    assert httpx2.get(f"{nginx.address}/", headers=upgrade).status_code == 200


def test_body_that_is_too_large_goes_no_further(nginx: NginxServer) -> None:
    response = httpx2.post(f"{nginx.address}/api/python", content=b"x" * (1024 * 1024 + 1))

    assert response.status_code == 413


def test_words_that_were_searched_for_are_not_in_its_logs(nginx: NginxServer) -> None:
    httpx2.get(f"{nginx.address}/api/conversations", params={"search": "runs away"})

    lines = [line for line in nginx.access_log.splitlines() if "/api/conversations" in line]
    assert len(lines) == 1
    assert "runs" not in "".join(path.read_text() for path in nginx.folder.glob("*.log"))


async def test_address_has_only_so_many_sockets(model_server: ChatServer, alice: Visitor) -> None:
    limit = {"limit_conn expertline_sockets 500": "limit_conn expertline_sockets 2"}
    with NginxServer(model_server.port, origin=model_server.url, changes=limit) as nginx:
        async with ChatClient(alice, entrance=nginx), ChatClient(alice, entrance=nginx):
            with pytest.raises(InvalidStatus) as refusal:
                async with connect(nginx.socket_url, origin=Origin(nginx.url)):
                    pass

    assert refusal.value.response.status_code == 429


def test_half_a_header_is_not_waited_for(model_server: ChatServer) -> None:
    soon = {"client_header_timeout 10s": "client_header_timeout 1s"}
    with (
        NginxServer(model_server.port, changes=soon) as nginx,
        socket.create_connection(("127.0.0.1", nginx.port), timeout=10) as slow,
    ):
        slow.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")

        assert slow.recv(1024) == b""


# --- What it tells the processes behind it, and which one it asks


@pytest.fixture
def upstreams() -> Iterator[list[OpenAIServer]]:
    """Two servers that note what they are asked."""
    with ExitStack() as stack:
        yield [stack.enter_context(in_thread(OpenAIServer())) for _ in range(2)]


def port_of(server: OpenAIServer) -> int:
    return int(server.base_url.removesuffix("/v1").rpartition(":")[2])


COMPLETION = {"model": "m", "messages": [{"role": "user", "content": QUESTION}], "stream": True}


def test_what_a_visitor_says_of_himself_is_not_believed(upstreams: list[OpenAIServer]) -> None:
    forged = {
        "X-Real-IP": "1.2.3.4",
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "for=1.2.3.4",
    }
    with NginxServer(port_of(upstreams[0])) as nginx:
        httpx2.post(f"{nginx.address}/v1/chat/completions", json=COMPLETION, headers=forged)

    heard = upstreams[0].requests[0].headers
    assert {name: heard[name.lower()] for name in forged if name.lower() in heard} == {
        "X-Real-IP": "127.0.0.1",
        "X-Forwarded-Proto": "http",
    }


async def test_another_forged_address_each_time_does_not_help(database: str) -> None:
    """T-31: what counts is where the connections really come from."""
    settings = {
        "DATABASE_URL": database_url(database),
        "TRUSTED_PROXIES": "127.0.0.1",
        "CHAT_MAX_SOCKETS_PER_IP": "2",
    }
    with ChatServer(settings=settings) as server, NginxServer(server.port) as nginx:
        async with AsyncExitStack() as sockets:
            codes = [
                await knock(nginx, sockets, origin=server.url, forged=f"1.2.3.{number}")
                for number in range(4)
            ]

    assert codes == [101, 101, 403, 403]


async def knock(nginx: NginxServer, sockets: AsyncExitStack, *, origin: str, forged: str) -> int:
    """The status that a handshake is answered with; the socket stays open with the others."""
    headers = {"X-Forwarded-For": forged, "X-Real-IP": forged}
    handshake = connect(nginx.socket_url, origin=Origin(origin), additional_headers=headers)
    try:
        await sockets.enter_async_context(handshake)
    except InvalidStatus as refusal:
        return int(refusal.response.status_code)
    return 101


def test_question_that_may_have_arrived_is_not_sent_again(upstreams: list[OpenAIServer]) -> None:
    for upstream in upstreams:
        upstream.script(Drop(headers=False))
    with NginxServer(*map(port_of, upstreams)) as nginx:
        response = httpx2.post(f"{nginx.address}/v1/chat/completions", json=COMPLETION)

    assert response.status_code == 502
    assert sum(len(upstream.requests) for upstream in upstreams) == 1


def test_process_that_does_not_listen_is_passed_over(upstreams: list[OpenAIServer]) -> None:
    with NginxServer(free_port(), port_of(upstreams[0])) as nginx:
        codes = [
            httpx2.post(f"{nginx.address}/v1/chat/completions", json=COMPLETION).status_code
            for _ in range(6)
        ]

    assert codes == [200] * 6


# --- TLS


async def test_site_with_tls_serves_the_page_and_the_chat(database: str) -> None:
    port = free_port()
    with NginxServer(port, tls=True) as nginx:
        settings = {"DATABASE_URL": database_url(database), "ALLOWED_ORIGINS": nginx.address}
        server = ChatServer(settings=settings)
        server.port = port
        trust = ssl.create_default_context(cafile=nginx.certificate)
        trust.check_hostname = False
        with server:
            insecure = httpx2.get(f"http://127.0.0.1:{nginx.plain_port}/c/1?a=b")
            page = httpx2.get(f"{nginx.address}/", verify=trust)
            async with connect(nginx.socket_url, ssl=trust, origin=Origin(nginx.url)) as client:
                welcome = await client.recv()

    assert (insecure.status_code, insecure.headers["location"]) == (
        301,
        "https://127.0.0.1/c/1?a=b",
    )
    assert page.status_code == 200
    assert page.headers["strict-transport-security"]
    assert '"type":"welcome"' in str(welcome)
