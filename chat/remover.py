"""Removes for good what visitors deleted a while ago. No process waits for another."""

import asyncio
import logging
import random

from django.db import DatabaseError

from chat.conversation_changes import remove_deleted
from chat.database import in_database

logger = logging.getLogger(__name__)

LOOK_SECONDS = 60.0


async def remove_now_and_then() -> None:
    """Until cancelled."""
    while True:
        try:
            removed = await in_database(remove_deleted)
        except DatabaseError as error:
            logger.warning("nothing removed: %s", type(error).__name__)
        else:
            if removed:
                logger.info("deleted conversations removed: %d", removed)
        await asyncio.sleep(random.uniform(0.5, 1) * LOOK_SECONDS)  # noqa: S311  (no secret)
