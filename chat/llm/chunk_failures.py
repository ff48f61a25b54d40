"""Errors that come in the middle of a stream, or instead of one, with status 200."""

from collections.abc import Mapping

from chat.turn.language_model import UpstreamError

MINIMAX_LIMITS = frozenset({1002, 1039, 1041, 2045})
"""Of requests, tokens, connections, and the growth of requests."""

MINIMAX_FAULTS = frozenset({1000, 1001, 1024, 1033})
"""Unknown and internal errors and a time-out; the others are refusals that would come again."""


def check_chunk(chunk: Mapping[str, object]) -> None:
    """Raises UpstreamError if the chunk is an error."""
    if chunk.get("error") or chunk.get("object") == "error":  # the latter: older vLLM
        raise UpstreamError("upstream_error")
    match chunk.get("base_resp"):
        case {"status_code": int(code)} if code in MINIMAX_LIMITS:
            raise UpstreamError("upstream_rate_limited")
        case {"status_code": int(code)} if code:
            raise UpstreamError("upstream_error", retryable=code in MINIMAX_FAULTS)
