"""The embedder for OpenAI-compatible servers against the scripted one, over a real socket."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from knowledge.embedders.base import EmbedderError
from knowledge.embedders.batches import RequestLimits
from knowledge.embedders.openai_compatible import OpenAICompatibleEmbedder
from tests.openai_replies import Plain
from tests.openai_server import OpenAIServer, in_thread

TEXTS = [f"text {number}" for number in range(150)]


@contextmanager
def embedder_at(
    base_url: str, *, dimensions: int = 0, expected_dimensions: int = 0
) -> Iterator[OpenAICompatibleEmbedder]:
    embedder = OpenAICompatibleEmbedder(
        model="scripted",
        api_key="sk-canary",
        base_url=base_url,
        dimensions=dimensions,
        expected_dimensions=expected_dimensions,
        limits=RequestLimits(seconds=5),
    )
    try:
        yield embedder
    finally:
        embedder.close()


def test_many_texts_go_in_several_requests_and_come_back_in_order() -> None:
    with in_thread(OpenAIServer()) as server, embedder_at(server.base_url) as embedder:
        together = embedder.embed_passages(TEXTS)
        alone = embedder.embed_queries(TEXTS[-1:])

    sizes = [len(request.body["input"]) for request in server.embedding_requests]
    assert sorted(sizes) == [1, 22, 64, 64]
    assert np.allclose(together[-1], alone[0])


def test_server_that_takes_few_texts_at_once_is_asked_for_few() -> None:
    server = OpenAIServer(most_embeddings=10)
    with in_thread(server), embedder_at(server.base_url) as embedder:
        first = embedder.embed_passages(TEXTS)
        asked = len(server.embedding_requests)
        second = embedder.embed_passages(TEXTS)

    sizes = [len(request.body["input"]) for request in server.embedding_requests[asked:]]
    assert max(sizes) <= 10
    assert np.allclose(first, second)


def test_server_that_refuses_a_single_text_is_an_embedder_error() -> None:
    server = OpenAIServer(most_embeddings=0)
    refused = pytest.raises(EmbedderError, match=r"^The embedding server refused the request\.$")
    with in_thread(server), embedder_at(server.base_url) as embedder, refused:
        embedder.embed_passages(TEXTS[:4])


def test_vectors_are_asked_for_as_numbers() -> None:
    with in_thread(OpenAIServer()) as server, embedder_at(server.base_url) as embedder:
        embedder.embed_queries(["Why?"])

    assert server.embedding_requests[0].body["encoding_format"] == "float"


def test_long_text_is_cut() -> None:
    with in_thread(OpenAIServer()) as server, embedder_at(server.base_url) as embedder:
        embedder.embed_passages(["长" * 50_000])

    assert len(server.embedding_requests[0].body["input"][0]) == 6_000


def test_model_is_asked_for_the_dimensions_of_its_space_only_if_it_gives_others() -> None:
    with in_thread(OpenAIServer()) as server:
        with embedder_at(server.base_url, expected_dimensions=256) as embedder:
            embedder.embed_queries(["Why?"])
        with embedder_at(server.base_url, expected_dimensions=16) as embedder:
            shapes = [embedder.embed_queries(["Why?"]).shape for _ in range(2)]

    asked = [request.body.get("dimensions") for request in server.embedding_requests]
    assert asked == [None, None, 16, 16]
    assert shapes == [(1, 16), (1, 16)]


@pytest.mark.parametrize("status", [429, 503])
def test_busy_server_is_given_the_time_that_it_asks_for(status: int) -> None:
    busy = Plain(content=b"{}", status=status, retry_after="1.2")
    server = OpenAIServer()
    server.embedding_failures.append(busy)
    began = time.monotonic()
    with in_thread(server), embedder_at(server.base_url) as embedder:
        rows = embedder.embed_passages(TEXTS)

    assert rows.shape == (150, 256)
    assert len(server.embedding_requests) == 4
    assert time.monotonic() - began >= 1.2


def test_question_does_not_wait_for_a_busy_server() -> None:
    busy = Plain(content=b"{}", status=429, retry_after="30")
    server = OpenAIServer()
    server.embedding_failures.append(busy)
    with (
        in_thread(server),
        embedder_at(server.base_url) as embedder,
        pytest.raises(EmbedderError),
    ):
        embedder.embed_queries(["Why?"])

    assert len(server.embedding_requests) == 1


def test_no_texts_need_no_vectors() -> None:
    with (
        in_thread(OpenAIServer()) as server,
        embedder_at(server.base_url, dimensions=8) as embedder,
    ):
        assert embedder.embed_queries([]).shape == (0, 8)

    assert server.embedding_requests == []
