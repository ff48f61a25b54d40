"""A gate that opens once, for tasks and threads alike: tests wait for it instead of sleeping."""

import asyncio
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress


class Latch:
    def __init__(self) -> None:
        self._opened: Future[None] = Future()

    def open(self) -> None:
        with suppress(InvalidStateError):  # it is open already
            self._opened.set_result(None)

    def is_open(self) -> bool:
        return self._opened.done()

    async def wait(self) -> None:
        await asyncio.shield(asyncio.wrap_future(self._opened))

    def wait_in_thread(self, seconds: float = 10) -> None:
        """For tests without an event loop. Raises TimeoutError."""
        self._opened.result(seconds)
