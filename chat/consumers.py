"""The chat socket: frames in, one call for each, frames out. docs/protocol.md is the contract.

Channels reads the next frame only after `dispatch` returns. It only hands over, so that a stop is
read while an answer is written, and a flood meets its limit while the database is asked who comes.
What a visitor asked for runs in tasks of the process; a closed socket stops none of them.
"""

import asyncio
import logging
import random
import time
import uuid
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings
from django.db import DatabaseError

from chat import sessions, wire_format
from chat.commands import Command, CommandError, Pong, Regenerate, Send, parse_command
from chat.connection import Connection
from chat.database import in_database
from chat.frame_errors import error_frame
from chat.handshake import Handshake
from chat.metrics import SOCKETS_CLOSED
from chat.open_sockets import OPEN_SOCKETS
from chat.outbox import Crowd, Loss, Outbox, SlowReaderError
from chat.rates import Rate, TokenBucket
from chat.send_limits import send_limits
from chat.sessions import Session, SessionEndedError, open_session
from chat.visitors import Identity
from chat.wiring import generation

logger = logging.getLogger(__name__)

WAITING_COMMANDS = 128
MAX_STRIKES = 5
STRIKE_SECONDS = 60.0
NO_STRIKE = {"empty", "too_long"}
"""What a well-made client may send because a person did."""
GOODBYE_SECONDS = 5.0
"""For servers that hold a send until the client reads."""
GONE = (OSError, RuntimeError)
"""What servers raise when the client has just left, or when they have just closed it themselves."""
LOSS_CODES: Mapping[Loss, int] = {"idle": 4000, "slow": 4001}
SERVER = uuid.uuid4().hex[:8]
CROWD = Crowd()

Message = dict[str, Any]  # ASGI's own type: its values are of any kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error frame that waits for its turn among the commands."""

    code: str
    id: str | None
    retry_ms: int = 0


@dataclass(frozen=True, slots=True)
class Flood:
    """From here on nothing of this client was read."""


Waiting = Command | CommandError | Refusal | Flood


class ChatConsumer(AsyncConsumer):
    """One socket of one visitor."""

    channel_layer_alias = None  # type: ignore[assignment]  # none: deltas use no channel layer
    session: Session

    def __init__(self) -> None:
        self._outbox = Outbox(
            self._send_text,
            CROWD,
            ping_seconds=settings.PING_SECONDS,
            stuck_seconds=settings.SOCKET_STUCK_SECONDS,
        )
        rate = Rate(
            per_second=settings.SOCKET_FRAMES_PER_SECOND, burst=settings.SOCKET_FRAMES_AT_ONCE
        )
        self._frames = TokenBucket(rate, time.monotonic)
        self._warned = False
        self._deaf = False
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue(WAITING_COMMANDS)
        self._strikes: deque[float] = deque(maxlen=MAX_STRIKES)
        self._tasks: list[asyncio.Task[None]] = []
        self._connection: Connection | None = None
        self._closed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Cleans up here: Daphne does not promise a disconnect message."""
        self._handshake = Handshake.of_scope(scope)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._closed = True
            OPEN_SOCKETS.leave(self)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self._connection:
                await self._connection.close()
            self._outbox.close()

    async def say_goodbye(self, code: str, close_code: int, *, retry_ms: int = 0) -> None:
        """Say why before closing: Daphne drops close reasons."""
        self._deaf = True
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._send_text(wire_format.bye(code, retry_ms))
                await self._close(close_code)

    # --- What comes in

    async def dispatch(self, message: Message) -> None:
        """Without Channels' own hop through the one shared database thread for every message."""
        match message["type"]:
            case "websocket.connect":
                await self._accept()
                self._tasks.append(asyncio.create_task(self._attend()))
            case "websocket.receive" if not self._deaf:
                await self._receive(message.get("text"))
            case "websocket.receive" if self._closed:
                raise StopConsumer  # whatever else a flood brings is not even looked at
            case "websocket.disconnect":
                raise StopConsumer

    async def _accept(self) -> None:
        """First, whatever follows: a browser sees no close code of a refused handshake."""
        offered = self._handshake.offered
        chosen = wire_format.SUBPROTOCOL if self._spoken else next(iter(offered), None)
        await self.base_send({"type": "websocket.accept", "subprotocol": chosen, "headers": []})

    @property
    def _spoken(self) -> bool:
        """Whether the client speaks this version."""
        return wire_format.SUBPROTOCOL in self._handshake.offered

    async def _receive(self, text: str | None) -> None:
        """A pong that was asked for is free; everything else is counted."""
        self._outbox.heard()
        command = read_frame(text)
        if isinstance(command, Pong) and self._outbox.pong(command.k):
            return
        if wait_seconds := self._frames.take():
            await self._resist(command, wait_seconds)
            return
        self._warned = False
        if not isinstance(command, Pong):
            await self._hand_over(command)

    async def _resist(self, command: Command | CommandError, wait_seconds: float) -> None:
        """Say once that it is too fast; if it goes on, answer what came before, and leave."""
        if not self._warned:
            self._warned = True
            await self._hand_over(too_fast(command, wait_seconds))
        elif self._outbox.full:
            await self.say_goodbye("slow", 4001)
        else:
            self._deaf = True
            await self._hand_over(Flood())

    async def _hand_over(self, waiting: Waiting) -> None:
        if self._waiting.full():
            await self.say_goodbye("rate", 4002, retry_ms=jitter_ms(5000))
        else:
            self._waiting.put_nowait(waiting)

    # --- What is done about it

    async def _attend(self) -> None:
        """The edge of the connection's task: whatever goes wrong ends here, in the log."""
        try:
            if connection := await self._let_in():
                await self._obey_in_order(connection)
        except SlowReaderError:
            await self.say_goodbye("slow", 4001)
        except Exception:
            logger.exception("a command failed")
            await self.say_goodbye("internal", 4011, retry_ms=jitter_ms(3000))

    async def _let_in(self) -> Connection | None:
        if self._handshake.offered and not self._spoken:
            await self._refuse("version")
            await self._close(4506)
        elif not await self._sent_away():
            return await self._identify()
        return None

    async def _sent_away(self) -> bool:
        """Whether there is no room, or soon no server."""
        if OPEN_SOCKETS.full:
            await self.say_goodbye("overloaded", 4013, retry_ms=jitter_ms(30_000))
        elif generation().draining:
            await self.say_goodbye("draining", 4012, retry_ms=jitter_ms(3000))
        else:
            return False
        return True

    async def _identify(self) -> Connection | None:
        try:
            self.session = await in_database(open_session, self._handshake.cookie)
        except DatabaseError:
            await self.say_goodbye("unavailable", 4011, retry_ms=jitter_ms(3000))
            return None
        except SessionEndedError:
            await self.say_goodbye("session_ended", 4501)
            return None
        if await self._sent_away():  # the database took its time
            return None
        if OPEN_SOCKETS.full_for(self.session.identity.visitor):
            await self.say_goodbye("too_many", 4504)
            return None
        return await self._welcome(self.session.identity)

    async def _welcome(self, identity: Identity) -> Connection:
        turns = generation()
        turns.begin()
        OPEN_SOCKETS.enter(self)
        frame = wire_format.welcome(
            server=SERVER,
            mode="expert_only" if turns.expert_only else "model",
            name=identity.name,
            signed_in=identity.signed_in,
            ping_seconds=settings.PING_SECONDS,
        )
        await self._outbox.send(frame)
        self._tasks.append(asyncio.create_task(self._watch_heartbeat()))
        self._connection = Connection(
            identity, turns, self._outbox, language=self._handshake.language
        )
        return self._connection

    async def _watch_heartbeat(self) -> None:
        loss = await self._outbox.lost()
        await self.say_goodbye(loss, LOSS_CODES[loss])

    async def _obey_in_order(self, connection: Connection) -> None:
        while not self._closed:
            match waiting := await self._waiting.get():
                case CommandError():
                    await self._strike(waiting)
                case Refusal(code=code, id=id_, retry_ms=retry_ms):
                    await self._refuse(code, id_=id_, retry_ms=retry_ms)
                case Flood():
                    await self.say_goodbye("rate", 4002, retry_ms=jitter_ms(5000))
                case Send() | Regenerate() if not await self._may_ask(waiting):
                    continue
                case _:
                    await connection.obey(waiting)

    async def _may_ask(self, command: Send | Regenerate) -> bool:
        """Looks at the session once more: a turn costs money, and its answer is for one person."""
        id_ = str(command.id)
        if wait := send_limits().take(self.session.identity, self._handshake.household):
            await self._refuse("rate_limited", id_=id_, retry_ms=ceil(wait * 1000))
            return False
        try:
            over = await in_database(sessions.ended, [self.session])
        except DatabaseError:
            await self._refuse("unavailable", id_=id_)
            return False
        if over:
            await self._refuse("session_ended", id_=id_)
            await self.say_goodbye("session_ended", 4501)
        return not over

    async def _strike(self, error: CommandError) -> None:
        """Answer a bad frame; five within a minute end the connection for good."""
        await self._refuse(error.code, id_=error.id)
        if error.code in NO_STRIKE:
            return
        self._strikes.append(time.monotonic())
        full = len(self._strikes) == MAX_STRIKES
        if full and self._strikes[-1] - self._strikes[0] < STRIKE_SECONDS:
            await self.say_goodbye("bad_frames", 4500)

    # --- What goes out

    async def _refuse(self, code: str, *, id_: str | None = None, retry_ms: int = 0) -> None:
        language = self._handshake.language
        await self._outbox.send(error_frame(code, language=language, id_=id_, retry_ms=retry_ms))

    async def _send_text(self, frame: str) -> None:
        if not self._closed:
            with suppress(*GONE):
                await self.base_send({"type": "websocket.send", "text": frame, "bytes": None})

    async def _close(self, code: int) -> None:
        if not self._closed:
            self._closed = True
            SOCKETS_CLOSED.labels(code=str(code)).inc()
            with suppress(*GONE):
                await self.base_send({"type": "websocket.close", "code": code, "reason": None})


def read_frame(text: str | None) -> Command | CommandError:
    """The frame's command, or what is wrong with it; `text` is None for a binary frame."""
    try:
        return parse_command(text) if text is not None else CommandError("binary_unsupported")
    except CommandError as error:
        return error


def too_fast(command: Command | CommandError, wait_seconds: float) -> Refusal:
    named = getattr(command, "id", None)
    retry_ms = ceil(wait_seconds * 1000)
    return Refusal(code="rate_limited", id=str(named) if named else None, retry_ms=retry_ms)


async def say_goodbye_to_all(*, within_seconds: float) -> None:
    """Send every client away to reconnect elsewhere, spread out so that not all come at once.

    Each has its moment: a pause after each would add up, in a process that is late with everything.
    """
    sockets = OPEN_SOCKETS.all()
    begun = time.monotonic()
    for number, socket in enumerate(sockets):
        early = begun + within_seconds * number / len(sockets) - time.monotonic()
        if early > 0:
            await asyncio.sleep(early)
        await socket.say_goodbye("draining", 4012, retry_ms=jitter_ms(3000))


def jitter_ms(most: int) -> int:
    """A random wait, so that clients sent away together do not come back together."""
    return random.randint(most // 10, most)  # noqa: S311  (no secret)
