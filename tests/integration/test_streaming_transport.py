"""The transport below the official client, against servers that send what no server should."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chat.llm.clocks import ModelClocks
from chat.llm.http1.connection import READ_BYTES
from chat.llm.http1.reply import MAX_UNREAD_BYTES
from chat.llm.openai import OpenAILanguageModel
from chat.turn.events import TextDelta
from chat.turn.language_model import ChatMessage, ModelEvent, ModelRequest, UpstreamError
from tests.latch import Latch

ASKING = ModelRequest(messages=(ChatMessage(role="user", content="Why?"),))
CLOCKS = ModelClocks(first_content_seconds=10, progress_seconds=10, round_seconds=20)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
WORD = b'data: {"choices":[{"delta":{"content":"yes"}}]}\n\n'
WORDS = WORD + b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(WORDS) + WORDS

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(kw_only=True)
class Server:
    """`requests` are the heads it was sent, `connections` how many were opened."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def request(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))


@asynccontextmanager
async def serving(
    server: Server, talk: Talk, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        task = asyncio.create_task(conversation(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                await talk(reader, writer)
                await writer.drain()
            finally:
                writer.close()
                await writer.wait_closed()

    async with await asyncio.start_server(connected, host, 0, ssl=tls) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def saying(*replies: bytes) -> AsyncIterator[Server]:
    """Each connection answers one request after another with these bytes, and is then closed."""
    server = Server()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies:
            await server.request(reader)
            writer.write(reply)

    async with serving(server, talk):
        yield server


@asynccontextmanager
async def model_at(base_url: str) -> AsyncIterator[OpenAILanguageModel]:
    model = OpenAILanguageModel(
        api_key="sk-canary-0123456789",
        base_url=base_url,
        model="m",
        temperature=None,
        clocks=CLOCKS,
        connect_seconds=5,
    )
    try:
        yield model
    finally:
        await model.aclose()


async def text_from(model: OpenAILanguageModel) -> str:
    events: list[ModelEvent] = [event async for event in model.stream(ASKING)]
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def failure_of(model: OpenAILanguageModel) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await text_from(model)
    return caught.value


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


async def test_ipv6_is_spoken() -> None:
    server = Server()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.request(reader)
        writer.write(WHOLE)

    async with (
        serving(server, talk, host="::1"),
        model_at(f"http://[::1]:{server.port}/v1") as model,
    ):
        assert await text_from(model) == "yes"

    assert f"Host: [::1]:{server.port}\r\n".encode() in server.requests[0]


async def test_name_that_nobody_has_is_a_reset() -> None:
    async with model_at("http://no-such-host.invalid/v1") as model:
        assert (await failure_of(model)).code == "upstream_reset"


async def test_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with saying(WHOLE) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        async with model_at("http://provider.invalid/v1") as model:
            text = await text_from(model)

    assert text == "yes"
    assert proxy.requests[0].startswith(b"POST http://provider.invalid/v1/chat/completions ")


async def test_host_without_a_proxy_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    async with saying(WHOLE) as server:
        monkeypatch.setenv("http_proxy", "http://proxy.invalid")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with model_at(server.base_url) as model:
            assert await text_from(model) == "yes"


async def test_key_with_a_line_end_is_not_sent() -> None:
    async with saying(WHOLE) as server:
        model = OpenAILanguageModel(
            api_key="key\r\nX-Other: header",
            base_url=server.base_url,
            model="m",
            temperature=None,
            clocks=CLOCKS,
            connect_seconds=5,
        )
        error = await failure_of(model)
        await model.aclose()

    assert (error.code, error.retryable) == ("upstream_error", False)
    assert server.requests == []


@dataclass(frozen=True, kw_only=True)
class Certificate:
    path: Path
    context: ssl.SSLContext


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """For 127.0.0.1, trusted by nobody who is not told its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path, key_path = tmp_path / "certificate.pem", tmp_path / "key.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key_path)
    return Certificate(path=path, context=context)


@asynccontextmanager
async def saying_over_tls(
    certificate: Certificate, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[Server, str, Latch]]:
    """Answers twice on a connection: whole, and then without an end."""
    server, gone = Server(), Latch()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.request(reader)
        writer.write(WHOLE)
        await server.request(reader)
        writer.write(HEAD + b"\r\n" + WORD)
        with suppress(ConnectionError):
            await reader.read()
        gone.open()

    async with serving(server, talk, tls=certificate.context):
        yield server, f"https://{host}:{server.port}/v1", gone


async def test_tls_is_spoken_with_a_server_that_can_prove_its_name(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    async with (
        saying_over_tls(certificate) as (server, base_url, gone),
        model_at(base_url) as model,
    ):
        assert await text_from(model) == "yes"
        stream = model.stream(ASKING)
        assert await anext(stream) == TextDelta(text="yes")

        await stream.aclose()

        await asyncio.wait_for(gone.wait(), 1)
        assert server.connections == 1


@pytest.mark.parametrize(("host", "trusted"), [("127.0.0.1", False), ("localhost", True)])
async def test_tls_is_refused_to_anybody_else(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, host: str, *, trusted: bool
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    async with (
        saying_over_tls(certificate, host) as (server, base_url, _),
        model_at(base_url) as model,
    ):
        assert (await failure_of(model)).code == "upstream_reset"

    assert server.requests == []
