"""Short messages between processes: hints alone, for all they tell stands in Postgres."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The conversation has reached revision `rev`; perhaps by being deleted."""

    conversation: UUID
    rev: int
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWanted:
    """The turn shall stop; its row says so."""

    turn: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnsLeft:
    """An owner let go of running turns: they may be taken up at once."""


Bell = Changed | StopWanted | TurnsLeft
ChangeListener = Callable[[Changed], None]
Listener = Callable[[StopWanted | TurnsLeft], None]


class Switchboard:
    """Who listens to what in this process."""

    def __init__(self) -> None:
        self._changes: defaultdict[UUID, set[ChangeListener]] = defaultdict(set)
        self._others: list[Listener] = []

    @property
    def conversations(self) -> tuple[UUID, ...]:
        return tuple(self._changes)

    def listen(self, conversation: UUID, listener: ChangeListener) -> Callable[[], None]:
        self._changes[conversation].add(listener)

        def stop() -> None:
            self._changes[conversation].discard(listener)
            if not self._changes[conversation]:
                del self._changes[conversation]

        return stop

    def hear(self, listener: Listener) -> None:
        self._others.append(listener)

    def ring(self, bell: Bell) -> None:
        match bell:
            case Changed():
                for told in list(self._changes.get(bell.conversation, ())):
                    told(bell)
            case _:
                for listener in self._others:
                    listener(bell)
