"""The remote reranker against a scripted server, over a real socket."""

import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import Settings

from chat.database import embedding_workers, in_database, in_embedder, workers
from chat.tools import KnowledgeSearch
from config.doctor.search import reranking
from knowledge import wiring
from knowledge.admin.trial import searched
from knowledge.checks import check_reranker
from knowledge.rerankers.base import RerankerError
from knowledge.rerankers.remote import RemoteReranker
from tests.integration.curating import stored
from tests.rerank_server import Reply, RerankServer, Silence, Step, rated
from tests.serving import environment, manage

KEY = "rerank-canary-0123456789"
QUESTION = "how long does a child sleep"
TEXTS = ["Feed the cat.", "A child does sleep long.", "How long is a day?"]


@contextmanager
def reranker_at(base_url: str, *, key: str = KEY, seconds: float = 5) -> Iterator[RemoteReranker]:
    reranker = RemoteReranker(model="bge", api_key=key, base_url=base_url, seconds=seconds)
    try:
        yield reranker
    finally:
        reranker.close()


def failure(reranker: RemoteReranker) -> str:
    with pytest.raises(RerankerError) as caught:
        reranker.rerank(QUESTION, TEXTS)
    return str(caught.value)


@pytest.fixture
def wired(settings: Settings) -> Iterator[Settings]:
    """Settings of a reranker that the wiring has not built yet."""
    settings.RERANKER, settings.RERANKER_MODEL = "remote", "bge"
    settings.RERANKER_API_KEY, settings.RERANKER_SECONDS = KEY, 5.0
    wiring.reranker.cache_clear()
    yield settings
    wiring.reranker.cache_clear()


def test_texts_are_rated_in_their_order() -> None:
    with RerankServer() as server, reranker_at(server.base_url) as reranker:
        relevance = reranker.rerank(QUESTION, TEXTS)

    assert relevance == [0, 4, 3]
    [request] = server.received
    assert request.path == "/v1/rerank"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == {"model": "bge", "query": QUESTION, "documents": TEXTS, "top_n": 3}


def test_no_texts_need_no_request() -> None:
    with RerankServer() as server, reranker_at(server.base_url) as reranker:
        assert reranker.rerank(QUESTION, []) == []

    assert server.received == []


@pytest.mark.parametrize("path", ["/rerank", "/compatible-api/v1/reranks"])
def test_whole_address_is_used_as_it_is(path: str) -> None:
    with RerankServer() as server, reranker_at(server.base_url[:-3] + path) as reranker:
        reranker.rerank(QUESTION, TEXTS)

    assert server.received[0].path == path


def test_server_without_a_key_is_sent_none() -> None:
    with RerankServer() as server, reranker_at(server.base_url, key="") as reranker:
        reranker.rerank(QUESTION, TEXTS)

    assert "authorization" not in server.received[0].headers


def test_long_texts_are_cut() -> None:
    with RerankServer() as server, reranker_at(server.base_url) as reranker:
        reranker.rerank("长" * 9_000, ["短" * 9_000, "text"])

    body = server.received[0].body
    assert (len(body["query"]), [*map(len, body["documents"])]) == (1_000, [1_000, 4])


@pytest.mark.parametrize(
    "step",
    [
        *[Reply(body=f'"{KEY} {QUESTION}"'.encode(), status=n) for n in (400, 401, 429, 500, 503)],
        Reply(body=b"<html>not JSON</html>"),
        Reply(body=b'{"results": [{"index": 7, "relevance_score": 1}]}'),
        Reply(body=b" " * 100_000, endless=True),
    ],
    ids=["400", "401", "429", "500", "503", "garbage", "index", "endless"],
)
def test_failure_tells_neither_key_nor_text(step: Step, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with RerankServer(step) as server, reranker_at(server.base_url) as reranker:
        told = failure(reranker)

    assert len(server.received) == 1
    for text in (told, caplog.text):
        assert KEY not in text
        assert QUESTION not in text


def test_redirect_is_not_followed() -> None:
    with RerankServer() as other:
        step = Reply(status=307, headers={"location": f"{other.base_url}/rerank"})
        with RerankServer(step) as server, reranker_at(server.base_url) as reranker:
            assert failure(reranker) == "The reranker answered with HTTP status 307."

    assert other.received == []


@pytest.mark.parametrize("step", [Silence(), Reply(body=b" ", endless=True)])
def test_server_that_does_not_finish_is_left(step: Step) -> None:
    with RerankServer(step) as server, reranker_at(server.base_url, seconds=0.3) as reranker:
        began = time.monotonic()
        assert failure(reranker) == "The reranker did not answer in time."
        assert time.monotonic() - began < 3


def test_server_that_is_not_there_is_a_failure() -> None:
    with RerankServer() as server:
        pass
    with reranker_at(server.base_url) as reranker:
        assert failure(reranker) == "The reranker did not answer in time."


@pytest.mark.parametrize("key", ["ключ", f"{KEY}\n"])
def test_key_that_cannot_be_sent_is_a_failure_without_it(key: str) -> None:
    with RerankServer() as server, reranker_at(server.base_url, key=key) as reranker:
        assert key.strip() not in failure(reranker)

    assert server.received == []


def test_settings_choose_it_and_the_doctor_asks_it(wired: Settings) -> None:
    step = Reply(body=rated("", ["", ""]), headers={"connection": "close"})
    with RerankServer(step) as server:
        wired.RERANKER_BASE_URL = server.base_url
        (found,) = reranking()

    assert (found.level, found.message) == ("ok", "bge answers")


def test_doctor_tells_that_it_fails(wired: Settings) -> None:
    with RerankServer(Reply(status=401)) as server:
        wired.RERANKER_BASE_URL = server.base_url
        (found,) = reranking()

    assert found.level == "warning"
    assert "did not accept the key" in found.message


def test_there_is_none_by_default(settings: Settings) -> None:
    assert settings.RERANKER == "off"
    assert wiring.reranker() is None
    assert list(reranking()) == []
    assert check_reranker() == []


def test_half_a_reranker_stops_the_start(tmp_path: Path) -> None:
    variables = environment(tmp_path) | {"RERANKER": "remote", "RERANKER_MODEL": "bge"}

    finished = manage("check", environment=variables)

    assert finished.returncode == 1
    assert "RERANKER=remote needs RERANKER_BASE_URL." in finished.stderr


def test_reranker_that_is_set_and_off_is_a_warning(settings: Settings) -> None:
    settings.RERANKER_BASE_URL = "https://llm.example.org/v1"

    assert [found.id for found in check_reranker()] == ["knowledge.W010"]


@pytest.fixture
async def own_threads(transactional_db: None, settings: Settings) -> AsyncIterator[None]:
    """One thread for the database, one for the embedder; their connections end with the test."""
    settings.DATABASE_THREADS = settings.EMBEDDING_THREADS = 1
    workers.cache_clear()
    embedding_workers.cache_clear()
    yield
    await in_database(connections.close_all)
    await in_embedder(connections.close_all)
    for pool in (workers, embedding_workers):
        pool().shutdown()
        pool.cache_clear()


@pytest.mark.usefixtures("own_threads")
async def test_chat_and_admin_find_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    best, other = "How do I get him to sleep at school?", "How do I get him to sleep?"
    for title in (best, other):
        await in_database(stored, title, text=f"Answer to: {title}")
    question = "at school school"

    reply = Reply(body=rated("other", ["", "other"]))
    with RerankServer(reply) as server, reranker_at(server.base_url) as reranker:
        monkeypatch.setattr(wiring, "reranker", lambda: reranker)
        turned = await KnowledgeSearch(wiring.embedder, wiring.reranker).search(question)
        kept = await in_database(searched, question, topic="")

    assert [found.source.title for found in turned.answers] == [other, best]
    assert [hit.title for hit in kept.hits] == [best, other]
    assert [received.body["query"] for received in server.received] == [question, question]
