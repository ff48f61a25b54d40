"""Log lines without anybody's words.

The text of an exception may hold a row that could not be stored or a provider's reply. What is
logged of one is its class, its place in the code and, for the database, SQLSTATE and constraint.
"""

import logging
import traceback
from http import HTTPStatus
from types import TracebackType

ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class PrivateFormatter(logging.Formatter):
    """Formats records on one line each; exceptions by class and place only."""

    def format(self, record: logging.LogRecord) -> str:
        message = super().format(record)
        return message if record.exc_info else message.replace("\n", "\\n").replace("\r", "\\r")

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802  (the library's name)
        _, error, _ = ei
        lines = []
        while error is not None:
            lines.extend([described(error), *places(error)])
            error = error.__cause__ or error.__context__
        return "\n".join(lines)


class NoRefusals(logging.Filter):
    """Drops Django's error lines for what was refused on purpose: draining, or not ready."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != HTTPStatus.SERVICE_UNAVAILABLE


def described(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    state = getattr(error, "sqlstate", None)
    constraint = getattr(getattr(error, "diag", None), "constraint_name", None)
    return " ".join(part for part in (name, state, constraint) if part)


def places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
