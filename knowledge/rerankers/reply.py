"""What a server answers to a request for reranking: a rating of each text, by its index.

The rows stand under `results` (Jina, Cohere, vLLM, llama.cpp, SiliconFlow, Xinference, DashScope),
under `data` (Voyage) or bare (SGLang, text-embeddings-inference), the best first or as asked. What
the first ones call `relevance_score` is `score` where they stand bare. Some ratings are
probabilities, others logits.
"""

import json
import math
from collections.abc import Sequence
from http import HTTPStatus

from knowledge.rerankers.base import RerankerError

REFUSALS: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "The reranker did not accept the form of the request.",
    HTTPStatus.UNAUTHORIZED: "The reranker did not accept the key.",
    HTTPStatus.FORBIDDEN: "The reranker did not accept the key.",
    HTTPStatus.NOT_FOUND: "The reranker does not know the address or the model.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The reranker did not accept the form of the request.",
    HTTPStatus.TOO_MANY_REQUESTS: "The reranker is busy, or its plan is used up.",
}
"""For the operator."""


def check_http_status(status: int) -> None:
    """Raises RerankerError for anything but 200, a redirect included."""
    if status == HTTPStatus.OK:
        return
    told = f"The reranker answered with HTTP status {status}."
    raise RerankerError(REFUSALS.get(status, told))


def read_relevance(body: bytes, *, count: int) -> list[float]:
    """Of so many texts, in the order asked. Raises RerankerError, which repeats nothing of it."""
    rated = [rating(row) for row in rows(body)]
    relevance = dict(rated)
    if len(rated) != count or relevance.keys() != set(range(count)):
        raise RerankerError("The reranker did not rate every text once.")
    return [relevance[index] for index in range(count)]


def rows(body: bytes) -> Sequence[object]:
    try:
        reply = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise RerankerError("The reranker did not answer with JSON.") from None
    match reply:
        case {"results": list(found)} | {"data": list(found)} | list(found):
            return found
    raise RerankerError("The reranker did not answer with ratings.")


def rating(row: object) -> tuple[int, float]:
    """An index and how relevant its text is."""
    match row:
        case {"index": bool()} | {"relevance_score": bool()} | {"score": bool()}:  # ints, too
            pass
        case {"index": int(index), "relevance_score": int(score) | float(score)} | {
            "index": int(index),
            "score": int(score) | float(score),
        }:
            return index, finite(score)
    raise RerankerError("The reranker gave something that is no rating.")


def finite(score: float) -> float:
    try:
        relevance = float(score)
    except OverflowError:  # a whole number of any length is JSON
        relevance = math.inf
    if not math.isfinite(relevance):
        raise RerankerError("The reranker gave a rating that is no number.")
    return relevance
