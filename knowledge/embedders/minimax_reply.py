"""What MiniMax answers to a request for embeddings: vectors, or an error inside HTTP 200."""

import json
from collections.abc import Mapping
from http import HTTPStatus

import numpy as np

from knowledge.embedders.base import EmbedderError, Vectors, normalized

BUSY_CODES = frozenset({1000, 1001, 1002, 1024, 1033, 1039, 1041, 2045})
"""Unknown and internal errors, time-outs, and the limits of requests, tokens and connections."""

REFUSALS = {
    1004: "MiniMax did not accept the key, or the group does not belong to it.",
    1008: "The MiniMax account has no balance left.",
    1026: "MiniMax refused a text as sensitive.",
    1027: "MiniMax refused a text as sensitive.",
    1042: "MiniMax refused a text for its invisible characters.",
    2013: "MiniMax did not accept the form of the request; is the model's name right?",
    2049: "MiniMax does not know the key; a key belongs to one of its two hosts.",
    2056: "The plan of the MiniMax account is used up for now.",
}
"""Errors that the same request meets again, for the operator."""


class MiniMaxBusyError(EmbedderError):
    """MiniMax could not serve the request now; the same one may succeed a little later."""

    def __init__(self, sentence: str, *, retry_after_seconds: float = 0) -> None:
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


def check_http_status(status: int, retry_after: str) -> None:
    """Raises EmbedderError for anything but 200, as a proxy on the way may send.

    `retry_after` is the header of that name; its form with a date is passed over.
    """
    seconds = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
    match status:
        case HTTPStatus.OK:
            return
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            raise EmbedderError(REFUSALS[1004])
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.TOO_MANY_REQUESTS:
            raise MiniMaxBusyError("MiniMax is busy.", retry_after_seconds=seconds)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise MiniMaxBusyError("MiniMax failed.", retry_after_seconds=seconds)
    raise EmbedderError(f"MiniMax answered with HTTP status {status}.")


def read_vectors(body: bytes, *, count: int, dimensions: int) -> Vectors:
    """So many rows of unit length. Raises EmbedderError, which repeats nothing of the body."""
    reply = _object(body)
    _check_status_code(reply.get("base_resp"))
    rows = reply.get("vectors")
    if not isinstance(rows, list) or len(rows) != count:
        raise EmbedderError("MiniMax gave another number of vectors.")
    try:
        vectors = np.asarray(rows, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise EmbedderError("MiniMax gave something that is not a vector.") from None
    if vectors.shape != (count, dimensions):
        raise EmbedderError("MiniMax gave vectors of another dimension.")
    with np.errstate(over="ignore"):  # such a row has no finite length, and is refused for it
        return normalized(vectors.astype(np.float32))


def _object(body: bytes) -> Mapping[str, object]:
    try:
        reply = json.loads(body.decode())
    except (ValueError, RecursionError):
        reply = None
    if not isinstance(reply, dict):
        raise EmbedderError("MiniMax did not answer with JSON.")
    return reply


def _check_status_code(base_resp: object) -> None:
    match base_resp:
        case {"status_code": int(code)} if code in BUSY_CODES:
            raise MiniMaxBusyError(f"MiniMax is busy (status code {code}).")
        case {"status_code": int(code)} if code:
            what = REFUSALS.get(code, "MiniMax refused the request.")
            raise EmbedderError(f"{what} (Status code {code}.)")
