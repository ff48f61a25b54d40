"""Tells from Postgres what the delta log should have told: it may lose anything at any time."""

import asyncio
import logging
from uuid import UUID

from django.db import DatabaseError

from chat import turns
from chat.database import in_database
from chat.delta_log.base import Checkpoint, DeltaLog
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
        for turn, tail in silent.items():
            known = stored.get(turn)
            if known is None or not known.running:
                tail.lose()
            elif known.text and known.cursor > tail.last:
                tail.note(await asyncio.to_thread(checkpoint, known))

    async def _make_up_for_bells(self) -> None:
        self._owed.update(self._log.missed())
        if not self._owed:
            return
        bells = await in_database(turns.revisions, list(self._owed))
        self._owed.clear()
        for bell in bells:
            self._log.hear_again(bell)


def checkpoint(known: Stored) -> Checkpoint:
    """Takes its time; in a thread, and once for all readers."""
    blocks = blocks_until(known.text, known.rendered)
    return Checkpoint(cursor=known.cursor, text=known.text, blocks=blocks)
