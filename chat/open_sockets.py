"""The open sockets of the process: how many there may be, and whose session has ended."""

import asyncio
import logging
from collections import Counter
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError

from chat import sessions
from chat.background import tell_of_failure
from chat.database import in_database
from chat.loop_lag import measure_loop_lag
from chat.metrics import SOCKETS_OPEN
from chat.sessions import Session

logger = logging.getLogger(__name__)


class OpenSocket(Protocol):
    @property
    def session(self) -> Session: ...

    async def say_goodbye(self, code: str, close_code: int, *, retry_ms: int = 0) -> None: ...


class OpenSockets:
    """Tends its sockets in tasks of the event loop, which begin with the first of them."""

    def __init__(self) -> None:
        self._sockets: set[OpenSocket] = set()
        self._of_visitor: Counter[UUID] = Counter()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def full(self) -> bool:
        return len(self._sockets) >= settings.CHAT_MAX_SOCKETS

    def full_for(self, visitor: UUID) -> bool:
        return self._of_visitor[visitor] >= settings.CHAT_MAX_SOCKETS_PER_VISITOR

    def all(self) -> list[OpenSocket]:
        return list(self._sockets)

    def enter(self, socket: OpenSocket) -> None:
        self._sockets.add(socket)
        self._of_visitor[socket.session.identity.visitor] += 1
        SOCKETS_OPEN.set(len(self._sockets))
        if not self._tasks or self._tasks[0].done():
            self._begin()

    def leave(self, socket: OpenSocket) -> None:
        """Also for one that never entered."""
        if socket not in self._sockets:
            return
        self._sockets.remove(socket)
        visitor = socket.session.identity.visitor
        self._of_visitor[visitor] -= 1
        if not self._of_visitor[visitor]:
            del self._of_visitor[visitor]
        SOCKETS_OPEN.set(len(self._sockets))

    def _begin(self) -> None:
        lag = asyncio.create_task(measure_loop_lag(), name="loop lag")
        watch = asyncio.create_task(self._watch_sessions(), name="session watch")
        watch.add_done_callback(lambda _: lag.cancel())
        watch.add_done_callback(tell_of_failure)
        self._tasks = [watch, lag]

    async def _watch_sessions(self) -> None:
        """Ends with the last socket. While Postgres is away nobody is thrown out."""
        while self._sockets:
            await asyncio.sleep(settings.SESSION_CHECK_SECONDS)
            try:
                await self._send_away_ended()
            except DatabaseError as error:
                logger.warning("sessions not looked at: %s", type(error).__name__)
            except Exception:  # an error of our own must not leave the doors open
                logger.exception("sessions not looked at")

    async def _send_away_ended(self) -> None:
        held = {socket.session for socket in self._sockets}
        ended = await in_database(sessions.ended, held)
        away = [socket for socket in self._sockets if socket.session in ended]
        await asyncio.gather(*(socket.say_goodbye("session_ended", 4501) for socket in away))


OPEN_SOCKETS = OpenSockets()
