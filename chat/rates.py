"""How often something may be done: token buckets, and a table of them that stays small."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]
"""Seconds that never run backwards, such as time.monotonic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`burst` at once, and `per_second` again and again."""

    per_second: float
    burst: int


class TokenBucket:
    """Full in the beginning; whatever is done takes tokens, and time brings them back."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = float(rate.burst)
        self._filled_at = clock()

    def take(self, tokens: int = 1) -> float:
        """0 if it may be done now; else the seconds until it may, and nothing is taken."""
        now = self._clock()
        grown = self._tokens + (now - self._filled_at) * self._rate.per_second
        self._tokens = min(float(self._rate.burst), grown)
        self._filled_at = now
        if self._tokens < tokens:
            return (tokens - self._tokens) / self._rate.per_second
        self._tokens -= tokens
        return 0.0

    def give_back(self, tokens: int = 1) -> None:
        """What was taken does not count after all."""
        self._tokens = min(float(self._rate.burst), self._tokens + tokens)


class Buckets:
    """A bucket for each key. At most `most` are kept; those not used for longest are forgotten."""

    def __init__(self, rate: Rate, clock: Clock, *, most: int) -> None:
        self._rate = rate
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str) -> float:
        """As TokenBucket.take, from the bucket of `key`."""
        if key not in self._buckets:
            self._buckets[key] = TokenBucket(self._rate, self._clock)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return self._buckets[key].take()

    def give_back(self, key: str) -> None:
        """As TokenBucket.give_back; nothing happens to a key that is not known."""
        if key in self._buckets:
            self._buckets[key].give_back()

    def forget(self, key: str) -> None:
        """Its bucket is full again."""
        self._buckets.pop(key, None)
