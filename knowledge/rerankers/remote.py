"""A reranker behind `/rerank`, as Jina, Cohere, vLLM, llama.cpp and others have it.

Importing this module imports httpx2 (0.2 s of CPU): import it only for this reranker.
"""

from collections.abc import Sequence

from knowledge.json_service import (
    JSONService,
    NoReplyError,
    OversizedReplyError,
    UnusableAddressError,
)
from knowledge.rerankers.base import RerankerError
from knowledge.rerankers.reply import check_http_status, read_relevance

REPLY_BYTES = 1024 * 1024
"""Some repeat the texts."""
TEXT_CHARACTERS = 1_000
"""Of the query and of each text, from its beginning. Many models read 512 tokens of both together;
some servers refuse more, and each costs time."""
ENDINGS = ("/rerank", "/reranks")
"""Of an address that is whole already; the second is DashScope's."""


class RemoteReranker:
    """`base_url` is the server's up to `/v1`, or all of the address."""

    def __init__(self, *, model: str, api_key: str, base_url: str, seconds: float) -> None:
        url = base_url.rstrip("/")
        self._service = JSONService(
            url if url.endswith(ENDINGS) else f"{url}/rerank",
            api_key=api_key,
            reply_bytes=REPLY_BYTES,
        )
        self._model = model
        self._seconds = seconds

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        body = {
            "model": self._model,
            "query": query[:TEXT_CHARACTERS],
            "documents": [text[:TEXT_CHARACTERS] for text in texts],
            "top_n": len(texts),  # not all give every rating by themselves
        }
        return read_relevance(self._ask(body), count=len(texts))

    def close(self) -> None:
        """Closes the connections. A later request opens new ones."""
        self._service.close()

    def _ask(self, body: dict[str, object]) -> bytes:
        try:
            reply = self._service.post(body, seconds=self._seconds)
        except UnusableAddressError:
            raise RerankerError("The reranker cannot be asked with this address and key.") from None
        except OversizedReplyError as error:
            raise RerankerError("The reranker answered with too much.") from error
        except NoReplyError as error:
            raise RerankerError("The reranker did not answer in time.") from error
        check_http_status(reply.status)
        return reply.body
