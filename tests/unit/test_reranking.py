"""The second stage: what a server's ratings must be, and what they change of a search's result."""

import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from knowledge.bars import Bars, Fit
from knowledge.rerankers.base import RerankerError
from knowledge.rerankers.reply import check_http_status, read_relevance
from knowledge.rerankers.resting import REST_SECONDS, RestingError, RestingReranker
from knowledge.reranking import RERANKED, depth, reranked
from knowledge.retrieval import Hit, SearchResult

BARS = Bars(near=0.5, clear=0.8, lead=0.1, certain=0.9)
QUESTION = "How long should she sleep?"


class Rated:
    """Rates texts as scripted, or fails."""

    def __init__(self, *ratings: float) -> None:
        self.ratings = list(ratings)
        self.asked: list[tuple[str, list[str]]] = []

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        self.asked.append((query, list(texts)))
        if not self.ratings:
            raise RerankerError("It failed.")
        return self.ratings


def hit(answer: int, score: float, *, exact: bool = False) -> Hit:
    return Hit(
        uid=UUID(int=answer),
        version=1,
        title=f"title {answer}",
        text=f"text {answer}",
        locale="en",
        topic="",
        verbatim=False,
        expert_name="",
        expert_role="",
        basis_url="",
        reviewed_at=None,
        review_by=None,
        score=score,
        cosine=score,
        rank=answer,
        exact=exact,
    )


def found(*scores: float, fit: Fit = "near", certain: bool = False) -> SearchResult:
    hits = tuple(hit(number, score) for number, score in enumerate(scores, start=1))
    return SearchResult(hits=hits, bars=BARS, fit=fit, certain=certain, asked=QUESTION)


def order(result: SearchResult) -> list[int]:
    return [each.uid.int for each in result.hits]


def test_hits_are_put_in_the_order_of_relevance_before_they_are_cut() -> None:
    result = reranked(found(0.9, 0.85, 0.84), Rated(-4, 0, 7.5), top_k=2)

    assert order(result) == [3, 2]
    assert [each.rank for each in result.hits] == [1, 2]
    assert [each.score for each in result.hits] == [0.84, 0.85]


def test_reranker_reads_title_and_text() -> None:
    reranker = Rated(1, 2)

    reranked(found(0.9, 0.8), reranker, top_k=2)

    assert reranker.asked == [(QUESTION, ["title 1\ntext 1", "title 2\ntext 2"])]


def test_hits_of_equal_relevance_keep_their_order() -> None:
    assert order(reranked(found(0.9, 0.8, 0.7), Rated(1, 1, 1), top_k=3)) == [1, 2, 3]


def test_hits_beyond_the_reranked_follow_as_they_were() -> None:
    scores = [0.9] * (RERANKED + 3)
    reranker = Rated(*range(RERANKED))

    result = reranked(found(*scores), reranker, top_k=RERANKED + 2)

    assert order(result) == [*range(RERANKED, 0, -1), RERANKED + 1, RERANKED + 2]
    assert len(reranker.asked[0][1]) == RERANKED


def test_clear_answer_stays_clear_where_both_stages_put_it_first() -> None:
    result = reranked(found(0.95, 0.7, fit="clear"), Rated(2, 1), top_k=2)

    assert (result.fit, order(result)) == ("clear", [1, 2])


def test_nothing_is_clear_where_the_stages_differ() -> None:
    result = reranked(found(0.95, 0.7, fit="clear", certain=True), Rated(1, 2), top_k=2)

    assert (result.fit, order(result)) == ("near", [2, 1])
    assert result.certain


def test_relevance_never_makes_an_answer_clear() -> None:
    assert reranked(found(0.9, 0.89), Rated(99, -99), top_k=2).fit == "near"


def test_answer_below_the_bar_does_not_lead() -> None:
    result = reranked(found(0.9, 0.6, 0.4, fit="clear"), Rated(1, 2, 3), top_k=3)

    assert (result.fit, order(result)) == ("near", [2, 3, 1])


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(found(0.4, 0.3, fit="none"), id="nothing fits"),
        pytest.param(found(), id="no hits"),
        pytest.param(found(0.9), id="one hit"),
        pytest.param(
            replace(found(), hits=(hit(1, 0.3, exact=True), hit(2, 0.9)), fit="clear"),
            id="asked for word by word",
        ),
    ],
)
def test_what_is_decided_is_not_sent(result: SearchResult) -> None:
    reranker = Rated(1, 2)

    assert reranked(result, reranker, top_k=8) == result
    assert reranker.asked == []


@pytest.mark.parametrize("reranker", [None, Rated()], ids=["none", "failing"])
def test_search_goes_on_without(reranker: Rated | None) -> None:
    result = found(0.9, 0.7, 0.6, fit="clear")

    assert reranked(result, reranker, top_k=2) == replace(result, hits=result.hits[:2])


def test_failure_is_logged_without_anybodys_words(caplog: pytest.LogCaptureFixture) -> None:
    reranked(found(0.9, 0.7), Rated(), top_k=2)

    assert caplog.messages == ["reranker failed: It failed."]


def test_search_is_as_deep_as_the_reranker_reads() -> None:
    assert (depth(6, None), depth(6, Rated()), depth(50, Rated())) == (6, RERANKED, 50)


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_failed_reranker_is_left_alone_for_a_while_and_then_tried_once() -> None:
    clock, reranker = Clock(), Rated()
    resting = RestingReranker(reranker, now=clock)

    for seconds in (0, 1, REST_SECONDS - 2, 1, 1):
        clock.seconds += seconds
        with pytest.raises(RerankerError):
            resting.rerank("", ["text"])

    assert len(reranker.asked) == 2


def test_reranker_that_works_again_is_asked_again() -> None:
    clock, reranker = Clock(), Rated()
    resting = RestingReranker(reranker, now=clock)
    with pytest.raises(RerankerError):
        resting.rerank("", ["text"])
    with pytest.raises(RestingError):
        resting.rerank("", ["text"])
    clock.seconds += REST_SECONDS
    reranker.ratings = [1.0]

    assert [resting.rerank("", ["text"]) for _ in range(2)] == [[1.0], [1.0]]


def row(index: object, score: object, name: str = "relevance_score") -> dict[str, object]:
    return {"index": index, name: score}


@pytest.mark.parametrize(
    "reply",
    [
        {"id": "x", "results": [row(1, 0.25), {**row(0, -3), "document": {"text": "t"}}]},
        {"object": "list", "data": [row(1, 0.25), row(0, -3)]},
        [row(1, 0.25, "score"), row(0, -3, "score")],
        {"results": [row(0, -3, "score"), row(1, 0.25, "score")]},
    ],
    ids=["Jina, Cohere, vLLM", "Voyage", "SGLang, TEI", "mixed"],
)
def test_ratings_are_read_in_the_forms_that_servers_have(reply: object) -> None:
    assert read_relevance(json.dumps(reply).encode(), count=2) == [-3, 0.25]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff",
        b"[" * 100_000,
        b"9" * 10_000,
        b"null",
        b"{}",
        b'{"results": {}}',
        b'{"results": [1, 2]}',
        *[
            json.dumps({"results": rows}).encode()
            for rows in (
                [],
                [row(0, 1)],
                [row(0, 1), row(0, 2)],
                [row(0, 1), row(1, 2), row(1, 3)],
                [row(0, 1), row(2, 2)],
                [row(-1, 1), row(0, 2)],
                [row("0", 1), row(1, 2)],
                [row(0.0, 1), row(1, 2)],
                [{"index": False, "score": 1}, {"index": True, "score": 2}],
                [{"index": 0, "score": True}, row(1, 2)],
                [row(0, "1"), row(1, 2)],
                [row(0, None), row(1, 2)],
                [row(0, float("nan")), row(1, 2)],
                [row(0, float("inf")), row(1, 2)],
                [row(0, 10**400), row(1, 2)],
                [{"index": 0}, row(1, 2)],
            )
        ],
    ],
    ids=range(25),
)
def test_reply_that_is_not_one_rating_a_text_is_refused(body: bytes) -> None:
    with pytest.raises(RerankerError):
        read_relevance(body, count=2)


@pytest.mark.parametrize("status", [204, 302, 307, 400, 401, 404, 422, 429, 500, 503, 999])
def test_every_status_but_200_is_a_failure(status: int) -> None:
    check_http_status(200)

    with pytest.raises(RerankerError, match="reranker"):
        check_http_status(status)
