"""Token buckets, by a clock that stands still until it is told."""

from hypothesis import given
from hypothesis import strategies as st

from chat.rates import Buckets, Rate, TokenBucket

RATE = Rate(per_second=2, burst=3)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_burst_passes_and_the_next_has_to_wait() -> None:
    bucket = TokenBucket(RATE, Clock())

    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]


def test_refusal_takes_nothing() -> None:
    bucket = TokenBucket(RATE, Clock())

    waits = [bucket.take() for _ in range(9)]

    assert waits[3:] == [0.5] * 6


def test_time_brings_tokens_back_but_no_more_than_the_burst() -> None:
    clock = Clock()
    bucket = TokenBucket(RATE, clock)
    for _ in range(3):
        bucket.take()

    clock.now += 0.5
    assert [bucket.take(), bucket.take()] == [0, 0.5]
    clock.now += 3600
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]


def test_much_takes_many_tokens_or_none() -> None:
    bucket = TokenBucket(RATE, Clock())

    assert [bucket.take(2), bucket.take(2), bucket.take(1)] == [0, 0.5, 0]


@given(st.lists(st.floats(min_value=0, max_value=5), max_size=50))
def test_never_more_than_the_burst_and_the_rate_allow(pauses: list[float]) -> None:
    clock = Clock()
    bucket = TokenBucket(RATE, clock)

    passed = 0
    for pause in pauses:
        clock.now += pause
        passed += bucket.take() == 0

    assert passed <= RATE.burst + sum(pauses) * RATE.per_second + 1e-6


def test_keys_have_buckets_of_their_own() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), Clock(), most=10)

    assert [buckets.take(key) for key in ("alice", "bob", "alice")] == [0, 0, 1]


def test_table_stays_small_and_forgets_who_was_away_longest() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), Clock(), most=2)
    for key in ("alice", "bob", "alice", "charlie"):
        buckets.take(key)

    assert len(buckets) == 2
    assert [buckets.take("alice"), buckets.take("bob")] == [1, 0]
