"""A browser tab that is never given up: it reconnects to any process, as docs/protocol.md says."""

import asyncio
import random
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.chat_client import ChatClient, Entrance, Visitor, send_command
from tests.chat_reply import Frame, WrongFrameError

FOR_GOOD = 4500
"""Close codes from here on tell a client not to come back."""
RESEND_SECONDS = 0.3
EXPECTED_ERRORS = {"unavailable", "draining", "busy"}
LOST = (OSError, EOFError, TimeoutError, InvalidHandshake, ConnectionClosed)


class Tab(ChatClient):
    """Connected, as far as there is anything to connect to, while the `async with` block runs.

    `entrances` are where it may connect; each time it takes one at random. `wrongs` are errors and
    close codes that nothing the client did explains.
    """

    def __init__(
        self, visitor: Visitor, entrances: Sequence[Entrance], dice: random.Random
    ) -> None:
        super().__init__(visitor, entrance=entrances[0])
        self.patient = True
        self.wrongs: list[object] = []
        self._entrances = entrances
        self._dice = dice
        self._staying: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._staying = asyncio.create_task(self._stay())
        await self.until(lambda: self.all_of("welcome"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        tasks = [*self._tasks, *([self._staying] if self._staying else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._hang_up()

    async def drop(self) -> None:
        """Lose the connection without a word, and come back."""
        if self._socket:
            self._socket.transport.abort()

    async def ask_soon(self, text: str, conversation: str) -> str:
        """Put a message into the outbox and send it as soon as may be; its id."""
        command = self.note_unaccepted(send_command(text, conversation=conversation))
        await self._say_if_possible(command)
        return str(command["id"])

    async def stop_soon(self, turn: str) -> None:
        """If it cannot be said now, it is not said at all."""
        await self._say_if_possible({"type": "stop", "turn": turn})

    async def subscribe_soon(self, conversation: str) -> None:
        """Now, or after the next welcome."""
        with suppress(ConnectionClosed):
            await self.subscribe(conversation)

    async def _stay(self) -> None:
        while True:
            try:
                await self.connect(self._dice.choice(self._entrances))
                await self._until_lost()
                self._judge_close()
            except LOST:
                await self._hang_up()
            except WrongFrameError as error:
                self.wrongs.append(error)
                return
            await asyncio.sleep(self._dice.uniform(0.02, 0.3))

    async def _until_lost(self) -> None:
        """Raises WrongFrameError. Whoever cancels this leaves the socket as it is."""
        if self._receiving:
            await asyncio.shield(self._receiving)

    async def _hang_up(self) -> None:
        """A socket that was opened but never welcomed."""
        if self._socket:
            self._socket.transport.abort()
        if self._receiving:
            await self._receiving

    def _judge_close(self) -> None:
        code = self._socket.close_code if self._socket else None
        if code is not None and code >= FOR_GOOD:
            self.wrongs.append(code)

    async def _take(self, frame: Frame) -> None:
        await super()._take(frame)
        match frame["type"]:
            case "changed":
                await self.subscribe(frame["conversation"])
            case "accepted" if self._lacks(frame):
                await self.subscribe(frame["conversation"])
            case "error":
                self._take_error(frame)

    def _lacks(self, frame: Frame) -> bool:
        """Whether something was stored before this message that it has not heard of."""
        known = self._revisions[frame["conversation"]]
        return bool(frame["duplicate"] or known < frame["rev"])

    def _note_revision(self, frame: Frame) -> None:
        """Only a `sync` tells everything up to its revision."""
        known = self._revisions.setdefault(frame["conversation"], 0)
        if frame["type"] == "sync" or frame["rev"] == known + 1:
            self._revisions[frame["conversation"]] = frame["rev"]

    def _take_error(self, frame: Frame) -> None:
        if frame["code"] not in EXPECTED_ERRORS:
            self.wrongs.append(frame)
        if frame["id"] in self.unaccepted:
            self._later(self._say_again(self.unaccepted[frame["id"]]))

    def _take_refused_subscription(self) -> None:
        """A new socket will try them all again."""
        self._later(self.drop())

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(after_a_pause(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _say_again(self, command: Frame) -> None:
        if command["id"] in self.unaccepted:
            await self._say_if_possible(command)

    async def _say_if_possible(self, command: Frame) -> None:
        """On a lost connection it is said after the next welcome."""
        with suppress(ConnectionClosed):
            if self._connected:
                await self.say(command)


async def after_a_pause(work: Coroutine[None, None, None]) -> None:
    try:
        await asyncio.sleep(RESEND_SECONDS)
    except asyncio.CancelledError:
        work.close()
        raise
    await work
