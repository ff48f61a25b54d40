"""The MiniMax embedder against a scripted server, over a real socket."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.embedders.base import EmbedderError
from knowledge.embedders.batches import RequestLimits
from knowledge.embedders.minimax import MiniMaxEmbedder
from tests.minimax_server import (
    DIMENSIONS,
    Code,
    Drip,
    Hangup,
    MiniMaxServer,
    Reply,
    Silence,
    Step,
    vectors,
)

ROOT = Path(__file__).resolve().parents[3]
KEY = "mm-canary-0123456789"
TEXT = "孩子总是撞头怎么办?"
BUSY = [1000, 1001, 1002, 1024, 1033, 1039, 1041, 2045]
REFUSED = [1004, 1008, 1026, 1027, 1042, 2013, 2049, 2056, 9999]


class Pauses(list[float]):
    """Notes each pause instead of waiting."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@contextmanager
def embedder_at(base_url: str, **options: Any) -> Iterator[MiniMaxEmbedder]:
    settings: dict[str, Any] = {
        "model": "embo-01",
        "api_key": KEY,
        "group_id": "1700000000000000001",
        "limits": RequestLimits(seconds=5),
        "pause": Pauses(),
        **options,
    }
    embedder = MiniMaxEmbedder(base_url=base_url, **settings)
    try:
        yield embedder
    finally:
        embedder.close()


@contextmanager
def scripted(*steps: Step, **options: Any) -> Iterator[tuple[MiniMaxServer, MiniMaxEmbedder]]:
    with MiniMaxServer(*steps) as server, embedder_at(server.base_url, **options) as embedder:
        yield server, embedder


def failure(embedder: MiniMaxEmbedder) -> EmbedderError:
    with pytest.raises(EmbedderError) as caught:
        embedder.embed_queries([TEXT])
    return caught.value


def test_request_is_what_minimax_documents() -> None:
    with scripted() as (server, embedder):
        embedder.embed_passages([TEXT])

    [request] = server.received
    assert request.path == "/v1/embeddings"
    assert request.query == {"GroupId": ["1700000000000000001"]}
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.body == {"model": "embo-01", "type": "db", "texts": [TEXT]}


def test_what_is_asked_is_embedded_as_a_query() -> None:
    with scripted() as (server, embedder):
        asked, stored = embedder.embed_queries([TEXT]), embedder.embed_passages([TEXT])

    assert [request.body["type"] for request in server.received] == ["query", "db"]
    assert not np.allclose(asked, stored)


def test_group_is_named_only_where_there_is_one() -> None:
    with scripted(group_id="") as (server, embedder):
        embedder.embed_queries([TEXT])

    assert server.received[0].query == {}


def test_vectors_have_unit_length_and_their_space_a_name() -> None:
    with scripted() as (_, embedder):
        rows = embedder.embed_queries([TEXT, "another"])

    assert rows.shape == (2, embedder.dimensions) == (2, DIMENSIONS)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)
    assert embedder.fingerprint == "minimax/embo-01/1536/db-query"


def test_many_texts_go_in_several_requests_and_come_back_in_order() -> None:
    texts = [f"text {number}" for number in range(150)]
    with scripted() as (server, embedder):
        together = embedder.embed_passages(texts)
        alone = embedder.embed_passages([texts[149]])

    assert sorted(len(request.texts) for request in server.received) == [1, 22, 64, 64]
    assert np.allclose(together[149], alone[0])


def test_long_texts_are_cut_and_spread_over_requests() -> None:
    with scripted() as (server, embedder):
        rows = embedder.embed_passages(["长" * 100_000] * 12)

    assert len(rows) == 12
    assert max(sum(map(len, request.texts)) for request in server.received) <= 32_000
    assert {len(text) for request in server.received for text in request.texts} == {6_000}


def test_line_breaks_are_not_sent() -> None:
    with scripted() as (server, embedder):
        embedder.embed_passages(["Why?\nBecause."])

    assert server.received[0].texts == ["Why? Because."]


def test_no_texts_need_no_request() -> None:
    with scripted() as (server, embedder):
        assert embedder.embed_queries([]).shape == (0, DIMENSIONS)

    assert server.received == []


@pytest.mark.parametrize("code", BUSY)
def test_busy_server_is_asked_again(code: int) -> None:
    pauses = Pauses()
    with scripted(Code(code), Code(code), pause=pauses) as (server, embedder):
        rows = embedder.embed_queries([TEXT])

    assert len(rows) == 1
    assert len(server.received) == 3
    assert pauses == [0.5, 1]


@pytest.mark.parametrize("step", [Hangup(), *[Reply(body=b"", status=n) for n in (429, 500, 503)]])
def test_broken_connection_or_proxy_is_tried_again(step: Step) -> None:
    with scripted(step) as (server, embedder):
        embedder.embed_queries([TEXT])

    assert len(server.received) == 2


@pytest.mark.parametrize(
    ("retry_after", "pause"), [("7", 7), ("0", 0.5), ("Mon, 23 Nov 2026 08:00:00 GMT", 0.5)]
)
def test_busy_server_is_given_the_time_it_asks_for(retry_after: str, pause: float) -> None:
    pauses = Pauses()
    step = Reply(body=b"", status=429, retry_after=retry_after)
    with scripted(step, pause=pauses) as (_, embedder):
        embedder.embed_passages([TEXT])

    assert pauses == [pause]


def test_question_waits_for_a_busy_server_no_longer_than_one_request_may_take() -> None:
    pauses = Pauses()
    with scripted(*[Code(1002)] * 99, limits=RequestLimits(seconds=4), pause=pauses) as (
        _,
        embedder,
    ):
        error = failure(embedder)

    assert sum(pauses) < 4
    assert str(error) == "MiniMax is busy (status code 1002)."


def test_stored_texts_wait_longer_and_not_for_ever() -> None:
    pauses = Pauses()
    busy = scripted(*[Code(1039)] * 99, limits=RequestLimits(seconds=4), pause=pauses)
    with busy as (_, embedder), pytest.raises(EmbedderError):
        embedder.embed_passages([TEXT])

    assert 30 < sum(pauses) < 64


@pytest.mark.parametrize("code", REFUSED)
def test_refusal_is_final_and_tells_the_code_alone(code: int) -> None:
    with scripted(Code(code)) as (server, embedder):
        error = failure(embedder)

    assert len(server.received) == 1
    assert f"(Status code {code}.)" in str(error)
    assert TEXT not in str(error)
    assert KEY not in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_other_http_status_is_final(status: int) -> None:
    with scripted(Reply(body=f'"{KEY}{TEXT}"'.encode(), status=status)) as (server, embedder):
        error = failure(embedder)

    assert len(server.received) == 1
    assert KEY not in str(error)


def reply(rows: object, **base_resp: object) -> Reply:
    return Reply(body=json.dumps({"vectors": rows, "base_resp": base_resp}).encode())


SHORT = [[1.0] * (DIMENSIONS - 1)]
WITHOUT_DIRECTION = [[0.0] * DIMENSIONS]
WRONG = [
    Reply(body=b""),
    Reply(body=b"<html>"),
    Reply(body=b"\xff"),
    Reply(body=b"[" * 100_000),
    Reply(body=b"[]"),
    Reply(body=b"{}"),
    Reply(body=vectors([TEXT, TEXT], "query")),
    reply(None, status_code=0),
    reply([], status_code=0),
    reply([None], status_code=0),
    reply(["text"], status_code=0),
    reply([[None] * DIMENSIONS], status_code=0),
    reply([[float("nan")] * DIMENSIONS], status_code=0),
    reply([[1e300] * DIMENSIONS], status_code=0),
    reply([[10**400] * DIMENSIONS], status_code=0),
    reply(SHORT, status_code=0),
    reply(WITHOUT_DIRECTION, status_code=0),
]


@pytest.mark.parametrize("step", WRONG, ids=range(len(WRONG)))
def test_reply_that_is_not_one_vector_a_text_is_refused(step: Reply) -> None:
    with scripted(step) as (server, embedder):
        failure(embedder)

    assert len(server.received) == 1


@pytest.mark.parametrize("step", [Silence(), Drip()])
def test_server_that_does_not_finish_is_left(step: Step) -> None:
    with scripted(*[step] * 9, limits=RequestLimits(seconds=0.2)) as (server, embedder):
        failure(embedder)

    assert len(server.received) == 1


def test_server_that_is_not_there_is_an_embedder_error() -> None:
    with MiniMaxServer() as server:
        pass
    with embedder_at(server.base_url) as embedder:
        assert str(failure(embedder)) == "MiniMax did not answer."


@pytest.mark.parametrize("options", [{"api_key": "ключ"}, {"api_key": f"{KEY}\n"}])
def test_key_that_cannot_be_sent_is_an_error_without_it(options: dict[str, str]) -> None:
    with scripted(**options) as (server, embedder):
        error = failure(embedder)

    assert server.received == []
    assert KEY not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_threads_share_one_embedder() -> None:
    texts = [f"text {number}" for number in range(32)]
    with scripted() as (server, embedder), ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda text: embedder.embed_queries([text])[0], texts))
        alone = embedder.embed_queries(texts)

    assert len(server.received) == 33
    assert np.allclose(together, alone)


def test_closed_embedder_opens_a_new_connection() -> None:
    with scripted() as (server, embedder):
        embedder.embed_queries([TEXT])
        embedder.close()
        embedder.embed_queries([TEXT])

    assert len(server.received) == 2


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    """The wiring's embedder of a process with these settings: its fingerprint."""
    program = "import django; django.setup(); from knowledge.wiring import configured; "
    return subprocess.run(
        [sys.executable, "-c", program + "print(configured().fingerprint)"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_settings_choose_it() -> None:
    started = start(EMBEDDER="minimax", MINIMAX_API_KEY=KEY, EMBEDDING_MODEL="")

    assert started.stdout.strip() == "minimax/embo-01/1536/db-query", started.stderr


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"MINIMAX_API_KEY": ""}, "EMBEDDER=minimax needs MINIMAX_API_KEY."),
        (
            {"MINIMAX_API_KEY": KEY, "EMBEDDING_DIMENSIONS": "512"},
            "EMBEDDER=minimax has no choice of EMBEDDING_DIMENSIONS.",
        ),
    ],
)
def test_settings_that_cannot_work_stop_the_start(variables: dict[str, str], sentence: str) -> None:
    started = start(EMBEDDER="minimax", **variables)

    assert started.returncode != 0
    assert sentence in started.stderr
