"""How many replies one key may have at the same time, in this process."""

from collections import defaultdict
from weakref import WeakSet

from chat.openai_api.refusals import RefusalError

RETRY_SECONDS = 2


class Slot:
    """Room for one reply. It is free again when it is released or when nobody holds it any more:
    a stream whose reader left before it began is never run, and so never ended."""

    __slots__ = ("__weakref__", "_taken")

    def __init__(self, taken: "WeakSet[Slot]") -> None:
        self._taken = taken

    def release(self) -> None:
        self._taken.discard(self)


class Slots:
    def __init__(self, each: int) -> None:
        self._each = each
        self._taken: defaultdict[int, WeakSet[Slot]] = defaultdict(WeakSet)

    def take(self, key: int) -> Slot:
        """Raises RefusalError where the key has no room left."""
        taken = self._taken[key]
        if len(taken) >= self._each:
            raise RefusalError(
                f"This key has {self._each} replies running, as many as it may.",
                status=429,
                kind="requests",
                code="rate_limit_exceeded",
                retry_seconds=RETRY_SECONDS,
            )
        slot = Slot(taken)
        taken.add(slot)
        return slot
