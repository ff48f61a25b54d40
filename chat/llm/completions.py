"""Requests to /chat/completions with the official client: a reply's bytes, or UpstreamError.

Importing this module imports openai (1 s of CPU, 35 MB): import it late, and off the event loop.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack, aclosing
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx2
import openai
from openai import AsyncAPIResponse, AsyncOpenAI

from chat.llm.failures import PROVIDER_FAILURES, translated, upstream_error
from chat.llm.http1.reply import Reply
from chat.llm.http1.transport import StreamingTransport
from chat.llm.parameters import OTHER_REASONS, refused
from chat.turn.events import JsonValue
from chat.turn.language_model import UpstreamError

# Not left to the client: it takes an empty OPENAI_BASE_URL in the environment for an address.
OPENAI_URL = "https://api.openai.com/v1"
AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
CONNECTIONS = httpx2.Limits(max_connections=None, max_keepalive_connections=100)

Parameters = Mapping[str, JsonValue]


class Completion:
    """A reply that has begun. Closing it before its end closes the connection."""

    def __init__(self, response: httpx2.Response, stack: AsyncExitStack) -> None:
        self._stack = stack
        reply = response.extensions.get("reply")
        encoded = response.headers.get("content-encoding", "identity") != "identity"
        self._reply: Reply | None = reply if reply and not encoded else None
        # Not the client's iter_lines(), which replaces bad bytes and cuts at U+2028.
        self._decoded = response.aiter_bytes()
        self._data = b""

    def wait(self, deadline: float) -> Awaitable[None]:
        """Until there is something to take; TimeoutError at the deadline, in the loop's time."""
        return self._reply.wait(deadline) if self._reply else self._wait_decoded(deadline)

    def taken(self) -> bytes:
        """What has come, after waiting for it; empty at the end."""
        try:
            return self._reply.taken() if self._reply else self._data
        except PROVIDER_FAILURES as error:
            raise upstream_error(error) from error

    async def _wait_decoded(self, deadline: float) -> None:
        async with asyncio.timeout_at(deadline):
            with translated():
                self._data = await anext(self._decoded, b"")

    async def aclose(self) -> None:
        async with self._stack, aclosing(self._decoded):
            pass


class Completions:
    """One client, for one event loop. Nothing is tried twice: that is the turn's decision."""

    def __init__(self, *, api_key: str, base_url: str, connect_seconds: float) -> None:
        with translated():
            address = httpx2.URL(base_url or OPENAI_URL)
            self.host = address.host
            self._client = AsyncOpenAI(
                api_key=api_key or "none",  # local servers want no key, the client wants one
                base_url=address.copy_with(query=None),
                default_query=dict(address.params),
                default_headers=_headers(address.host, api_key),
                max_retries=0,
                http_client=_http_client(address, connect_seconds),
            )
        # Found here, not on first use: it imports 0.05 s of the client's modules.
        self._create: Any = self._client.chat.completions.with_streaming_response.create
        self._refused: frozenset[str] = frozenset()
        self._suspected: frozenset[str] = frozenset()
        """Left out once, where the server named none: a refusal may have had another cause."""

    async def begin(self, body: Parameters, optional: Parameters) -> Completion:
        """Without those of the optional parameters that this server refuses."""
        async with AsyncExitStack() as stack:
            with translated():
                response = await self._accepted(body, optional, stack)
            _check_content_type(response)
            return Completion(response.http_response, stack.pop_all())

    async def aclose(self) -> None:
        await self._client.close()

    async def _accepted(
        self, body: Parameters, optional: Parameters, stack: AsyncExitStack
    ) -> AsyncAPIResponse[object]:
        """Asks with less until a server agrees, and remembers what it was that it refused."""
        offered = {name: value for name, value in optional.items() if name not in self._refused}
        named: set[str] = set()
        while True:
            try:
                response = await self._posted({**body, **offered}, stack)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not offered or error.code in OTHER_REASONS:
                    raise
                names = _named_in(error, offered)
                named |= names
                offered = {name: offered[name] for name in offered.keys() - names if names}
            else:
                self._note(left_out=optional.keys() - offered.keys() - self._refused, named=named)
                return response

    def _note(self, *, left_out: AbstractSet[str], named: set[str]) -> None:
        """What is refused by name, or twice in a row, is not offered again."""
        unnamed = frozenset(left_out) - named
        self._refused |= named | (unnamed & self._suspected)
        self._suspected = unnamed - self._refused

    async def _posted(self, body: Parameters, stack: AsyncExitStack) -> AsyncAPIResponse[object]:
        # As extra_body goes what the client need not know, and what it would only copy for long:
        # walking through the messages and their types takes as much time as all of the rest.
        rest = {name: value for name, value in body.items() if name not in {"model", "stream"}}
        response: AsyncAPIResponse[object]
        response = await stack.enter_async_context(
            self._create(model=body["model"], stream=body["stream"], messages=(), extra_body=rest)
        )
        return response


def _named_in(error: openai.APIStatusError, offered: Parameters) -> set[str]:
    return refused(offered, parameter=str(error.param or ""), message=error.message)


def _http_client(address: httpx2.URL, connect_seconds: float) -> httpx2.AsyncClient:
    """Redirects are not followed: they would take the key and the words wherever they like."""
    return httpx2.AsyncClient(
        transport=None if _has_proxy(address) else StreamingTransport(),
        limits=CONNECTIONS,
        timeout=httpx2.Timeout(None, connect=connect_seconds),
        follow_redirects=False,
        headers={"accept-encoding": "identity"},
    )


def _has_proxy(address: httpx2.URL) -> bool:
    proxies = getproxies()
    return bool(proxies.get(address.scheme) or proxies.get("all")) and not proxy_bypass(
        address.host
    )


def _headers(host: str, api_key: str) -> dict[str, str]:
    """Azure's older addresses take a key in this header only."""
    return {"api-key": api_key} if host.endswith(AZURE) else {}


def _check_content_type(response: AsyncAPIResponse[object]) -> None:
    content_type = response.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "text/event-stream":
        raise UpstreamError("upstream_error")
