"""How long a server asks us to wait: Retry-After (RFC 9110, 10.2.3), or OpenAI's finer header."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_DIGITS = 9


def retry_after_seconds(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Whole seconds, an HTTP date, or milliseconds in a header of their own; else None."""
    milliseconds = headers.get("retry-after-ms", "")
    if _is_number(milliseconds):
        return int(milliseconds) / 1000
    return _seconds(headers.get("retry-after", ""), now)


def _seconds(header: str, now: datetime) -> float | None:
    if _is_number(header):
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:  # "-0000": a time in UTC, says RFC 5322
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def _is_number(header: str) -> bool:
    return header.isascii() and header.isdigit() and len(header) <= MAX_DIGITS
