"""A turn as server-sent events: one reader over HTTP, who counts as a socket of its visitor.

Nobody acknowledges anything over HTTP, and Daphne takes whatever it is given. So a stream that has
given more than a living reader is sure to have taken ends; the next request says by its cursor how
far the reader has come.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.conf import settings

from chat import wire_format
from chat.database import let_go_of_connection
from chat.open_sockets import OPEN_SOCKETS
from chat.outbox import SHARE_BYTES, WINDOW_BYTES, Crowd
from chat.sessions import Session
from chat.turn_reading import Piece

LIVE_BYTES_PER_SECOND = 32 * 1024
"""More than a model writes: a reply that is followed as it is written ends no stream."""
RETRY_MS = 1000
OPENING = f"retry: {RETRY_MS}\n\n".encode()
KEEP_ALIVE = b":\n\n"
CROWD = Crowd()
HOUSEHOLDS: Counter[str] = Counter()
"""The open streams of each address; of sockets the handshake counts them."""


class EventStream:
    """`pieces` are told as they come, to whom `session` belongs."""

    def __init__(
        self, session: Session, household: str, pieces: AsyncGenerator[Piece, None]
    ) -> None:
        self.session = session
        self._household = household
        self._pieces = pieces
        self._goodbye: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._opened_at = time.monotonic()
        self._sent = 0

    async def say_goodbye(self, code: str, close_code: int, *, retry_ms: int = 0) -> None:
        """A drain ends no stream: it goes on as long as its turn and the process do."""
        if code == "session_ended" and not self._goodbye.done():
            self._goodbye.set_result(wire_format.bye(code, retry_ms))

    async def events(self, first: bytes = b"") -> AsyncGenerator[bytes, None]:
        """The body of the response, `first` before the turn's own."""
        if code := refusal_of_stream(self.session, self._household):
            yield event("bye", wire_format.bye(code, RETRY_MS))
            return
        await let_go_of_connection()
        async with aclosing(self._pieces):
            self._enter()
            try:
                yield OPENING + first
                async with aclosing(self._told()) as told:
                    async for each in told:
                        yield each
            finally:
                self._leave()

    async def _told(self) -> AsyncGenerator[bytes, None]:
        """Steps in tasks of their own, so that silence and a goodbye interrupt none of them."""
        step = asyncio.ensure_future(anext(self._pieces, None))
        try:
            while not self._goodbye.done():
                if not await self._done(step):
                    yield KEEP_ALIVE
                    continue
                piece = step.result()
                if piece is None or (self._too_far_ahead and piece.kind != "end"):
                    return
                yield self._counted(event(piece.kind, piece.frame, str(piece.cursor)))
                step = asyncio.ensure_future(anext(self._pieces, None))
            yield event("bye", self._goodbye.result())
        finally:
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)

    async def _done(self, step: "asyncio.Future[Piece | None]") -> bool:
        """Whether it was, before somebody had to be told something else."""
        awaited: set[asyncio.Future[Piece | None] | asyncio.Future[str]] = {step, self._goodbye}
        await asyncio.wait(
            awaited, timeout=settings.PING_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        return step.done()

    @property
    def _too_far_ahead(self) -> bool:
        open_seconds = time.monotonic() - self._opened_at
        window = SHARE_BYTES if CROWD.full else WINDOW_BYTES
        return self._sent > window + LIVE_BYTES_PER_SECOND * open_seconds

    def _counted(self, told: bytes) -> bytes:
        self._sent += len(told)
        CROWD.unanswered += len(told)
        return told

    def _enter(self) -> None:
        OPEN_SOCKETS.enter(self)
        HOUSEHOLDS[self._household] += 1

    def _leave(self) -> None:
        OPEN_SOCKETS.leave(self)
        CROWD.unanswered -= self._sent
        HOUSEHOLDS[self._household] -= 1
        if not HOUSEHOLDS[self._household]:
            del HOUSEHOLDS[self._household]


def refusal_of_stream(session: Session, household: str) -> str | None:
    """Why there is no room for one stream more, as a `bye` says it; None if there is."""
    if OPEN_SOCKETS.full:
        return "overloaded"
    at_home = HOUSEHOLDS[household] >= settings.CHAT_MAX_SOCKETS_PER_IP
    if at_home or OPEN_SOCKETS.full_for(session.identity.visitor):
        return "too_many"
    return None


def event(kind: str, data: str, id_: str | None = None) -> bytes:
    """One server-sent event; a frame is JSON on one line."""
    named = f"id: {id_}\n" if id_ else ""
    return f"{named}event: {kind}\ndata: {data}\n\n".encode()
