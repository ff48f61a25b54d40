"""MiniMax's own embeddings API: asymmetric, and of another form than OpenAI's.

Importing this module imports httpx2 (0.2 s of CPU): import it only for this embedder.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np

from knowledge.embedders.base import EmbedderError, Vectors
from knowledge.embedders.batches import RequestLimits, batches, in_flight
from knowledge.embedders.minimax_reply import MiniMaxBusyError, check_http_status, read_vectors
from knowledge.json_service import (
    JSONService,
    NoReplyError,
    OversizedReplyError,
    UnusableAddressError,
)

MINIMAX_URL = "https://api.minimaxi.com/v1"
REPLY_BYTES = 32 * 1024 * 1024
FIRST_PAUSE_SECONDS = 0.5
PASSAGE_PATIENCE_SECONDS = 30.0
"""How much longer stored texts wait for a busy server than a visitor's question does."""

InputType = Literal["db", "query"]


class MiniMaxEmbedder:
    """For all threads.

    A question takes no longer than `limits.seconds`, pauses and repetitions included. `pause` is
    how to wait between attempts. An empty `base_url` is MiniMax's host in China.
    """

    dimensions = 1536  # of embo-01

    def __init__(
        self,
        *,
        model: str,
        api_key: str,
        group_id: str,
        base_url: str,
        limits: RequestLimits,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.fingerprint = f"minimax/{model}/{self.dimensions}/db-query"
        self._model = model
        self._service = JSONService(
            f"{(base_url or MINIMAX_URL).rstrip('/')}/embeddings",
            api_key=api_key,
            reply_bytes=REPLY_BYTES,
            parameters={"GroupId": group_id} if group_id else {},
        )
        self._limits = limits
        self._pause = pause

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, "query", self._limits.seconds)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, "db", self._limits.seconds + PASSAGE_PATIENCE_SECONDS)

    def close(self) -> None:
        """Closes the connections. A later request opens new ones."""
        self._service.close()

    def _embed(self, texts: Sequence[str], input_type: InputType, patience: float) -> Vectors:
        ask = partial(self._persist, input_type=input_type, patience=patience)
        rows = in_flight(ask, list(batches(texts)), most=self._limits.in_flight)
        return np.concatenate([np.empty((0, self.dimensions), dtype=np.float32), *rows])

    def _persist(self, batch: list[str], *, input_type: InputType, patience: float) -> Vectors:
        """Asks again while MiniMax is busy, until patience ends: after pauses that double, or as
        long as it says."""
        deadline = time.monotonic() + patience
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                body = self._post(batch, input_type, deadline)
                return read_vectors(body, count=len(batch), dimensions=self.dimensions)
            except MiniMaxBusyError as error:
                wait = max(pause, error.retry_after_seconds)
                if time.monotonic() + wait >= deadline:
                    raise
            self._pause(wait)
            pause *= 2

    def _post(self, batch: list[str], input_type: InputType, deadline: float) -> bytes:
        seconds = min(self._limits.seconds, max(deadline - time.monotonic(), 0.001))
        # MiniMax advises against line breaks.
        texts = [text.replace("\n", " ") for text in batch]
        body = {"model": self._model, "type": input_type, "texts": texts}
        try:
            reply = self._service.post(body, seconds=seconds)
        except UnusableAddressError:
            raise EmbedderError("MiniMax cannot be asked with this address and key.") from None
        except OversizedReplyError as error:
            raise EmbedderError("MiniMax answered with too much.") from error
        except NoReplyError as error:
            raise MiniMaxBusyError("MiniMax did not answer.") from error
        check_http_status(reply.status, reply.retry_after)
        return reply.body
