"""Requests to embedders behind a network: how large, how many at once, in which order."""

import threading

import pytest

from knowledge.embedders.base import EmbedderError
from knowledge.embedders.batches import BATCH_TOKENS, batches, estimated_tokens, in_flight
from knowledge.retrieval import EXACT_UP_TO
from knowledge.vector_indexes import INDEX_FROM


def test_batches_are_sized_by_tokens_which_chinese_has_more_of() -> None:
    english = list(batches(["x" * 6_000] * 64))
    chinese = list(batches(["长" * 6_000] * 64))

    assert len(english) < len(chinese)
    for batch in (*english, *chinese):
        assert sum(map(estimated_tokens, batch)) <= BATCH_TOKENS


def test_all_texts_are_in_the_batches_in_their_order() -> None:
    texts = [f"text {number}" for number in range(150)]

    assert [text for batch in batches(texts) for text in batch] == texts


def test_replies_are_in_the_order_of_the_requests() -> None:
    second_is_done = threading.Event()

    def ask(request: list[str]) -> str:
        if request == ["first"]:
            assert second_is_done.wait(10)
        else:
            second_is_done.set()
        return request[0]

    assert in_flight(ask, [["first"], ["second"]], most=2) == ["first", "second"]


def test_no_more_requests_are_under_way_than_allowed() -> None:
    meeting = threading.Barrier(3)
    lock = threading.Lock()
    under_way: set[str] = set()
    most = 0

    def ask(request: list[str]) -> None:
        nonlocal most
        with lock:
            under_way.update(request)
            most = max(most, len(under_way))
        meeting.wait(10)
        with lock:
            under_way.difference_update(request)

    in_flight(ask, [[str(number)] for number in range(9)], most=3)

    assert most == 3


def test_first_failure_is_told() -> None:
    def ask(request: list[str]) -> None:
        raise EmbedderError(request[0])

    with pytest.raises(EmbedderError, match="first"):
        in_flight(ask, [["first"], ["second"]], most=2)


def test_space_has_its_index_before_a_search_counts_on_it() -> None:
    assert INDEX_FROM <= 0.8 * EXACT_UP_TO
