"""The chat socket: frames in, one call for each, frames out. docs/protocol.md is the contract.

The receive loop only hands over, because Channels reads the next frame only after it returns. What
a visitor asked for runs in tasks of the process; a closed socket stops none of them.
"""

import asyncio
import logging
import random
import time
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings
from django.db import DatabaseError
from django.http import parse_cookie
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from chat import wire_format
from chat.commands import Command, CommandError, Pong, parse_command
from chat.connection import Connection
from chat.database import in_database
from chat.outbox import Loss, Outbox, SlowReaderError
from chat.visitors import COOKIE, Identity, identity_of_cookie
from chat.wiring import generation

logger = logging.getLogger(__name__)

WAITING_COMMANDS = 64
MAX_STRIKES = 5
STRIKE_SECONDS = 60.0
NO_STRIKE = {"empty", "too_long"}
"""What a well-made client may send because a person did."""
LOSS_CODES: Mapping[Loss, int] = {"idle": 4000, "slow": 4001}
SERVER = uuid.uuid4().hex[:8]


class ChatConsumer(AsyncConsumer):
    """One socket of one visitor."""

    channel_layer_alias = None  # type: ignore[assignment]  # none: deltas use no channel layer
    open_sockets: ClassVar[set["ChatConsumer"]] = set()

    def __init__(self) -> None:
        self._commands: asyncio.Queue[Command | CommandError] = asyncio.Queue(WAITING_COMMANDS)
        self._strikes: deque[float] = deque(maxlen=MAX_STRIKES)
        self._tasks: list[asyncio.Task[None]] = []
        self._outbox = Outbox(self._send_text, ping_seconds=settings.PING_SECONDS)
        self._connection: Connection | None = None
        self._closed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Cleans up here: Daphne does not promise a disconnect message."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._closed = True
            self.open_sockets.discard(self)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self._connection:
                await self._connection.close()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without Channels' own hop through the one shared database thread for every message."""
        match message["type"]:
            case "websocket.connect":
                await self._open()
            case "websocket.receive":
                await self._receive(message)
            case "websocket.disconnect":
                raise StopConsumer

    async def say_goodbye(self, code: str, close_code: int, *, retry_ms: int = 0) -> None:
        """Say why before closing: Daphne drops close reasons."""
        await self._send_text(wire_format.bye(code, retry_ms))
        await self._close(close_code)

    async def _open(self) -> None:
        """Accept first, whatever follows: a browser sees no close code of a refused handshake."""
        offered = list(self.scope.get("subprotocols", []))
        spoken = wire_format.SUBPROTOCOL in offered
        chosen = wire_format.SUBPROTOCOL if spoken else next(iter(offered), None)
        await self.base_send({"type": "websocket.accept", "subprotocol": chosen, "headers": []})
        try:
            identity = await in_database(identity_of_cookie, session_key(self.scope["headers"]))
        except DatabaseError:
            await self.say_goodbye("unavailable", 4011, retry_ms=jitter_ms(3000))
            return
        language = preferred_language(self.scope["headers"])
        connection = Connection(identity, generation(), self._outbox, language=language)
        self._connection = connection
        if offered and not spoken:
            await connection.refuse("version")
            await self._close(4506)
            return
        if generation().draining:
            await self.say_goodbye("draining", 4012, retry_ms=jitter_ms(3000))
            return
        await self._welcome(identity)
        self._tasks = [
            asyncio.create_task(self._obey_in_order(connection)),
            asyncio.create_task(self._watch_heartbeat()),
        ]

    async def _welcome(self, identity: Identity) -> None:
        turns = generation()
        turns.begin()
        self.open_sockets.add(self)
        frame = wire_format.welcome(
            server=SERVER,
            mode="expert_only" if turns.expert_only else "model",
            name=identity.name,
            signed_in=identity.signed_in,
            ping_seconds=settings.PING_SECONDS,
        )
        await self._outbox.send(frame)

    async def _receive(self, message: dict[str, Any]) -> None:
        self._outbox.heard()
        command = read_frame(message.get("text"))
        if isinstance(command, Pong):
            self._outbox.pong(command.k)
        elif self._commands.full():
            await self.say_goodbye("rate", 4002, retry_ms=jitter_ms(5000))
        else:
            self._commands.put_nowait(command)

    async def _strike(self, connection: Connection, error: CommandError) -> None:
        """Answer a bad frame; five within a minute end the connection for good."""
        await connection.refuse(error.code, id_=error.id)
        if error.code in NO_STRIKE:
            return
        self._strikes.append(time.monotonic())
        full = len(self._strikes) == MAX_STRIKES
        if full and self._strikes[-1] - self._strikes[0] < STRIKE_SECONDS:
            await self.say_goodbye("bad_frames", 4500)

    async def _obey_in_order(self, connection: Connection) -> None:
        """The edge of the connection's task: whatever goes wrong ends here, in the log."""
        try:
            while True:
                command = await self._commands.get()
                if isinstance(command, CommandError):
                    await self._strike(connection, command)
                else:
                    await connection.obey(command)
        except SlowReaderError:
            return  # the heartbeat's watch closes the socket
        except Exception:
            logger.exception("a command failed")
            await self.say_goodbye("internal", 4011, retry_ms=jitter_ms(3000))

    async def _watch_heartbeat(self) -> None:
        loss = await self._outbox.lost()
        await self.say_goodbye(loss, LOSS_CODES[loss])

    async def _send_text(self, frame: str) -> None:
        if not self._closed:
            await self.base_send({"type": "websocket.send", "text": frame, "bytes": None})

    async def _close(self, code: int) -> None:
        if not self._closed:
            self._closed = True
            await self.base_send({"type": "websocket.close", "code": code, "reason": None})


def read_frame(text: str | None) -> Command | CommandError:
    """The frame's command, or what is wrong with it; `text` is None for a binary frame."""
    try:
        return parse_command(text) if text is not None else CommandError("binary_unsupported")
    except CommandError as error:
        return error


def session_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The session cookie's value; read as Django reads it, or page and socket would differ."""
    return parse_cookie(header(headers, b"cookie")).get(COOKIE)


def preferred_language(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The language of error sentences: the page's choice, else the browser's."""
    chosen = parse_cookie(header(headers, b"cookie")).get(settings.LANGUAGE_COOKIE_NAME)
    wanted = [chosen] if chosen else []
    accepted = parse_accept_lang_header(header(headers, b"accept-language"))
    for code in (*wanted, *(language for language, _ in accepted)):
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return str(settings.LANGUAGE_CODE)


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


async def say_goodbye_to_all(*, within_seconds: float) -> None:
    """Send every client away to reconnect elsewhere, spread out so that not all come at once."""
    sockets = list(ChatConsumer.open_sockets)
    pause = within_seconds / max(len(sockets), 1)
    for socket in sockets:
        await socket.say_goodbye("draining", 4012, retry_ms=jitter_ms(3000))
        await asyncio.sleep(pause)


def jitter_ms(most: int) -> int:
    """A random wait, so that clients sent away together do not come back together."""
    return random.randint(most // 10, most)  # noqa: S311  (no secret)
