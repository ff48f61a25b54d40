"""The transport's ways to a server: addresses, names, proxies and TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chat.llm.openai import OpenAILanguageModel
from chat.turn.events import TextDelta
from tests.integration.raw_provider import (
    ASKING,
    CLOCKS,
    HEAD,
    WHOLE,
    WORD,
    Server,
    failure_of,
    model_at,
    saying,
    serving,
    text_from,
)
from tests.latch import Latch


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
