"""Requests to /chat/completions with the official client: a body's bytes, or UpstreamError.

Importing this module imports openai (1 s of CPU, 35 MB): import it late, and off the event loop.
"""

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AsyncExitStack, aclosing, contextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx2
import openai
from openai import AsyncAPIResponse, AsyncOpenAI

from chat.llm.retry_after import retry_after_seconds
from chat.turn.events import JsonValue
from chat.turn.language_model import UpstreamError

# Not left to the client: it takes an empty OPENAI_BASE_URL in the environment for an address.
OPENAI_URL = "https://api.openai.com/v1"
USAGE_OPTIONS: dict[str, JsonValue] = {"stream_options": {"include_usage": True}}

PROVIDER_FAILURES = (
    openai.OpenAIError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.StreamError,
    anyio.EndOfStream,  # some broken TLS connections: pydantic/httpx2#854
    OSError,
    UnicodeError,  # a key that cannot stand in a header
)


class Completions:
    """One client, for one event loop. Nothing is tried twice: that is the turn's decision."""

    def __init__(self, *, api_key: str, base_url: str, connect_seconds: float) -> None:
        with _translated():
            self._client = AsyncOpenAI(
                api_key=api_key or "none",  # local servers want no key, the client wants one
                base_url=base_url or OPENAI_URL,
                timeout=openai.Timeout(None, connect=connect_seconds),
                max_retries=0,
            )
        # Found here, not on first use: it imports 0.05 s of the client's modules.
        self._create: Any = self._client.chat.completions.with_streaming_response.create
        self._usage_known = True

    async def chunks(self, body: Mapping[str, JsonValue]) -> AsyncGenerator[bytes, None]:
        """The reply's bytes as they come. Closing it closes the connection."""
        with _translated():
            async with AsyncExitStack() as stack:
                response = await self._accepted(body, stack)
                _check_content_type(response)
                # Not the client's iter_lines(), which replaces bad bytes and cuts at U+2028; not
                # its iter_bytes() either, which leaves this generator to the garbage collector.
                received = response.http_response.aiter_bytes()
                async for chunk in await stack.enter_async_context(aclosing(received)):
                    yield chunk

    async def aclose(self) -> None:
        await self._client.close()

    async def _accepted(
        self, body: Mapping[str, JsonValue], stack: AsyncExitStack
    ) -> AsyncAPIResponse[object]:
        """Asks for usage until a server refuses the question, and then accepts without it."""
        if self._usage_known:
            try:
                return await self._posted({**body, **USAGE_OPTIONS}, stack)
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                response = await self._posted(body, stack)
                self._usage_known = False
                return response
        return await self._posted(body, stack)

    async def _posted(
        self, body: Mapping[str, JsonValue], stack: AsyncExitStack
    ) -> AsyncAPIResponse[object]:
        response: AsyncAPIResponse[object]
        response = await stack.enter_async_context(self._create(**body))
        return response


def _check_content_type(response: AsyncAPIResponse[object]) -> None:
    content_type = response.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "text/event-stream":
        raise UpstreamError("upstream_error")


@contextmanager
def _translated() -> Generator[None, None, None]:
    try:
        yield
    except PROVIDER_FAILURES as error:
        raise _upstream_error(error) from error


def _upstream_error(error: Exception) -> UpstreamError:
    match error:
        case openai.APIStatusError():
            return _refusal(error)
        case openai.APITimeoutError() | httpx2.TimeoutException():
            return UpstreamError("upstream_timeout")
        case httpx2.DecodingError():
            return UpstreamError("upstream_malformed")
        case openai.APIConnectionError() | httpx2.RequestError() | anyio.EndOfStream() | OSError():
            return UpstreamError("upstream_reset")
    return UpstreamError("upstream_error")


def _refusal(error: openai.APIStatusError) -> UpstreamError:
    busy = isinstance(error, openai.RateLimitError)
    header = error.response.headers.get("retry-after", "")
    return UpstreamError(
        "upstream_rate_limited" if busy else "upstream_error",
        retry_after_seconds=retry_after_seconds(header, now=datetime.now(UTC)),
    )
