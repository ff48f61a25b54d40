"""The delta log of a single process."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from uuid import UUID

from chat.delta_log.base import LoggedEvent, Tail
from chat.delta_log.bells import Bell, ChangeListener, Listener, Switchboard
from chat.delta_log.tails import Tails


class MemoryDeltaLog:
    connected = True

    def __init__(self) -> None:
        self._tails = Tails()
        self._switchboard = Switchboard()

    def begin(self) -> None:
        """Nothing runs in the background."""

    async def close(self) -> None:
        """Nothing is pending."""

    def own(self, turn: UUID, attempt: int, fenced: Callable[[], None]) -> None:
        """Nobody else can write, so nobody is ever fenced."""
        self._tails.own(turn)

    async def append(self, turn: UUID, events: Sequence[LoggedEvent]) -> None:
        self._tails.get(turn).extend(events)

    def release(self, turn: UUID) -> None:
        self._tails.release(turn)

    def known(self, turn: UUID) -> Tail | None:
        return self._tails.known(turn)

    def follow(self, turn: UUID) -> AbstractContextManager[Tail]:
        return self._tails.follow(turn)

    def silent(self, seconds: float) -> dict[UUID, Tail]:
        followed = self._tails.followed_elsewhere()
        return {turn: tail for turn, tail in followed.items() if tail.silent_seconds >= seconds}

    def ring(self, bell: Bell) -> None:
        self._switchboard.ring(bell)

    def listen(self, conversation: UUID, listener: ChangeListener) -> Callable[[], None]:
        return self._switchboard.listen(conversation, listener)

    def hear(self, listener: Listener) -> None:
        self._switchboard.hear(listener)

    def missed(self) -> tuple[UUID, ...]:
        return ()

    def hear_again(self, bell: Bell) -> None:
        self._switchboard.ring(bell)
