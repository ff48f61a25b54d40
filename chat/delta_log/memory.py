"""The delta log of a single process."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from uuid import UUID

from chat.delta_log.base import Listener, LoggedEvent, Tail

KEEP_SECONDS = 120
"""An ended turn's events stay this long for readers who come back."""


class MemoryDeltaLog:
    def __init__(self) -> None:
        self._tails: dict[UUID, Tail] = {}
        self._listeners: defaultdict[UUID, set[Listener]] = defaultdict(set)

    def tail(self, turn: UUID) -> Tail:
        return self._tails.setdefault(turn, Tail())

    def known(self, turn: UUID) -> Tail | None:
        return self._tails.get(turn)

    async def append(self, turn: UUID, events: Sequence[LoggedEvent]) -> None:
        tail = self.tail(turn)
        tail.extend(events)
        if tail.ended:
            asyncio.get_running_loop().call_later(KEEP_SECONDS, self._tails.pop, turn, None)

    def ring(self, conversation: UUID, rev: int) -> None:
        for listener in list(self._listeners.get(conversation, ())):
            listener(rev)

    def listen(self, conversation: UUID, listener: Listener) -> Callable[[], None]:
        self._listeners[conversation].add(listener)

        def stop() -> None:
            self._listeners[conversation].discard(listener)
            if not self._listeners[conversation]:
                del self._listeners[conversation]

        return stop
