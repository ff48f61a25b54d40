"""The tails that this process holds, and how long."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from chat.delta_log.base import Tail

KEEP_SECONDS = 120
"""An ended turn's events stay this long with its owner, for readers who come back."""


class Tails:
    """Kept while somebody owns or reads them, and ended ones of an owner for a while after."""

    def __init__(self) -> None:
        self._tails: dict[UUID, Tail] = {}
        self._owned: set[UUID] = set()

    def get(self, turn: UUID) -> Tail:
        return self._tails.setdefault(turn, Tail())

    def known(self, turn: UUID) -> Tail | None:
        return self._tails.get(turn) if turn in self._owned else None

    def owned(self, turn: UUID) -> bool:
        return turn in self._owned

    def own(self, turn: UUID) -> Tail:
        self._owned.add(turn)
        return self.get(turn)

    def release(self, turn: UUID) -> None:
        """An ended one is all there is to know, and so is owned until it is forgotten."""
        tail = self._tails.get(turn)
        if tail and tail.ended:
            asyncio.get_running_loop().call_later(KEEP_SECONDS, self._forget, turn, tail)
        else:
            self._disown(turn)

    @contextmanager
    def follow(self, turn: UUID) -> Iterator[Tail]:
        tail = self.get(turn)
        tail.readers += 1
        try:
            yield tail
        finally:
            tail.readers -= 1
            self._drop_unused(turn, tail)

    def followed_elsewhere(self) -> dict[UUID, Tail]:
        """What is read here, and written by another process."""
        return {
            turn: tail
            for turn, tail in self._tails.items()
            if tail.readers and turn not in self._owned and not (tail.ended or tail.lost)
        }

    def _forget(self, turn: UUID, tail: Tail) -> None:
        if self._tails.get(turn) is tail:
            self._disown(turn)

    def _disown(self, turn: UUID) -> None:
        self._owned.discard(turn)
        if tail := self._tails.get(turn):
            self._drop_unused(turn, tail)

    def _drop_unused(self, turn: UUID, tail: Tail) -> None:
        """A lost one goes as well: its readers are told from Postgres, and later ones at once."""
        unused = not tail.readers and turn not in self._owned
        if unused and self._tails.get(turn) is tail:
            del self._tails[turn]
