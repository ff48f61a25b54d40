"""Counting what a key has used, after its reply and without delaying it."""

import asyncio
import logging
from functools import cache

from django.db import DatabaseError

from chat import api_keys
from chat.database import in_database
from chat.prices import cost_of
from chat.turn.events import Usage

logger = logging.getLogger(__name__)


class UseCounter:
    """Owns the tasks that count."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def count(self, key: int, model: str, usage: Usage | None) -> None:
        counting = self._count(key, model, usage)
        task = asyncio.create_task(counting, name=f"use of API key {key}")
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    async def _count(self, key: int, model: str, usage: Usage | None) -> None:
        """Where Postgres is away, a reply goes uncounted."""
        cost = cost_of(model, usage) if usage else None
        try:
            await in_database(api_keys.count_use, key, usage, cost)
        except DatabaseError as error:
            logger.warning("use of API key %s not counted: %s", key, type(error).__name__)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            logger.error("%s broke off", task.get_name(), exc_info=task.exception())


@cache
def use_counter() -> UseCounter:
    return UseCounter()
