"""The Retry-After header (RFC 9110, 10.2.3)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(header: str, *, now: datetime) -> float | None:
    """Seconds to wait: whole seconds or an HTTP date; None for anything else."""
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    if until.tzinfo is None:  # "-0000": a time in UTC, says RFC 5322
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())
