"""What the official client and its transport raise, as UpstreamError: codes, and no text."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

import anyio
import httpx2
import openai

from chat.llm.retry_after import retry_after_seconds
from chat.turn.language_model import UpstreamError

PROVIDER_FAILURES = (
    openai.OpenAIError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.StreamError,
    anyio.EndOfStream,  # some broken TLS connections: pydantic/httpx2#854
    OSError,
    UnicodeError,  # a key that cannot stand in a header
)

LATER_STATUSES = frozenset({408, 409, 425, 429})
"""Refusals that another try may not meet, as it may not meet a server's own failure."""

OUT_OF_MONEY = "insufficient_quota"


@contextmanager
def translated() -> Generator[None, None, None]:
    try:
        yield
    except PROVIDER_FAILURES as error:
        raise upstream_error(error) from error


def upstream_error(error: Exception) -> UpstreamError:
    match error:
        case openai.APIStatusError():
            return _refusal(error)
        case openai.APITimeoutError() | httpx2.TimeoutException():
            return UpstreamError("upstream_timeout")
        case httpx2.DecodingError():
            return UpstreamError("upstream_malformed")
        case openai.APIConnectionError(__cause__=httpx2.LocalProtocolError()):
            return UpstreamError("upstream_error", retryable=False)
        case openai.APIConnectionError() | httpx2.RequestError() | anyio.EndOfStream() | OSError():
            return UpstreamError("upstream_reset")
    return UpstreamError("upstream_error", retryable=False)


def _refusal(error: openai.APIStatusError) -> UpstreamError:
    status = error.status_code
    later = status in LATER_STATUSES or status >= 500  # noqa: PLR2004
    return UpstreamError(
        "upstream_rate_limited" if status == 429 else "upstream_error",  # noqa: PLR2004
        retryable=later and error.code != OUT_OF_MONEY,
        retry_after_seconds=retry_after_seconds(error.response.headers, now=datetime.now(UTC)),
    )
