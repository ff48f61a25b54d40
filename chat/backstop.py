"""Tells from Postgres what the delta log should have told: it may lose anything at any time."""

import asyncio
import logging
from uuid import UUID

from django.db import DatabaseError

from chat import turns
from chat.database import in_database
from chat.delta_log.base import Checkpoint, DeltaLog, Tail
from chat.rendering import blocks_until
from chat.turns import Stored

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
SILENT_SECONDS = 2.0
"""A turn that is followed here and written elsewhere is looked up after so much silence."""


class Backstop:
    """Readers miss no end of a turn, and no change of a conversation, whatever becomes of Redis."""

    def __init__(self, log: DeltaLog) -> None:
        self._log = log
        self._owed: set[UUID] = set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look_up_silent_turns()
                await self._make_up_for_bells()
            except DatabaseError as error:
                logger.warning("nothing looked up: %s", type(error).__name__)

    async def _look_up_silent_turns(self) -> None:
        silent = self._log.silent(SILENT_SECONDS)
        if not silent:
            return
        stored = await in_database(turns.stored, list(silent))
        running = {turn: known for turn, known in stored.items() if known.running}
        for turn in silent.keys() - running.keys():  # first: a rendering takes its time
            silent[turn].lose()
        for turn, known in running.items():
            if lacks(silent[turn], known):
                silent[turn].note(await asyncio.to_thread(checkpoint, known))

    async def _make_up_for_bells(self) -> None:
        self._owed.update(self._log.missed())
        if not self._owed:
            return
        bells = await in_database(turns.revisions, list(self._owed))
        self._owed.clear()
        for bell in bells:
            self._log.hear_again(bell)


def lacks(tail: Tail, known: Stored) -> bool:
    """Whether its readers have not been told so much."""
    told = tail.checkpoint is not None and tail.checkpoint.cursor == known.cursor
    return bool(known.text) and known.cursor > tail.last and not told


def checkpoint(known: Stored) -> Checkpoint:
    """Takes its time; in a thread, and once for all readers."""
    blocks = blocks_until(known.text, known.rendered)
    return Checkpoint(cursor=known.cursor, text=known.text, blocks=blocks)
