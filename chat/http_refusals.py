"""What a request over HTTP is told that cannot be obeyed: the socket's codes and sentences."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil

from django.http import HttpResponse, JsonResponse
from django.utils import translation

from chat.commands import CommandError
from chat.frame_errors import SENTENCES
from chat.obeying import REFUSALS, code_of

logger = logging.getLogger(__name__)

STATUSES: Mapping[str, HTTPStatus] = {
    "session_ended": HTTPStatus.UNAUTHORIZED,
    "consent_required": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "busy": HTTPStatus.CONFLICT,
    "id_conflict": HTTPStatus.CONFLICT,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "rate_limited": HTTPStatus.TOO_MANY_REQUESTS,
    "draining": HTTPStatus.SERVICE_UNAVAILABLE,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""Any other code is the client's fault: 400."""
RETRY_SECONDS = 2.0


class RefusedError(Exception):
    """The request is not obeyed: protocol.md's code, and when it may be tried again."""

    def __init__(self, code: str, *, retry_seconds: float = 0.0) -> None:
        super().__init__(code)
        self.code = code
        self.retry_seconds = retry_seconds


REFUSING: tuple[type[Exception], ...] = (RefusedError, CommandError, *REFUSALS)


def refusal(error: Exception, language: str) -> HttpResponse:
    """The answer to one of REFUSING. It names nothing, so that two of one code are alike."""
    code = error.code if isinstance(error, RefusedError | CommandError) else code_of(error)
    status = STATUSES.get(code, HTTPStatus.BAD_REQUEST)
    wait_seconds = error.retry_seconds if isinstance(error, RefusedError) else 0.0
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        wait_seconds = wait_seconds or RETRY_SECONDS
    logger.info("refused over HTTP: %s", code)
    with translation.override(language):
        facts = {
            "code": code,
            "message": str(SENTENCES[code]),
            "retry_ms": ceil(wait_seconds * 1000),
        }
    response = JsonResponse({"error": facts}, status=status)
    if wait_seconds:
        response["Retry-After"] = str(ceil(wait_seconds))
    return response
