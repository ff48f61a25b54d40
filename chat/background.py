"""Tasks that belong to the process."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable

logger = logging.getLogger(__name__)

RESTART_SECONDS = 1.0
CANCEL_AGAIN_SECONDS = 0.1


async def kept_running(run: Callable[[], Coroutine[None, None, None]]) -> None:
    """The edge of a background task: an error of our own is told, and ends nothing for good."""
    while True:
        try:
            await run()
        except Exception:
            logger.exception("a background task failed")
        await asyncio.sleep(RESTART_SECONDS)


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks, and return when they have ended.

    Cancelled again and again: redis-py swallows a cancellation that comes while it connects.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_SECONDS)


def tell_of_failure(task: asyncio.Task[None]) -> None:
    """A callback for tasks that nobody awaits."""
    if not task.cancelled() and task.exception():
        logger.error("%s broke off", task.get_name(), exc_info=task.exception())
