"""One visitor's connection: obeys its commands, follows what it subscribed to."""

import asyncio
from functools import partial
from uuid import UUID

from chat import conversations, wire_format
from chat.background import tell_of_failure
from chat.commands import (
    Command,
    GiveFeedback,
    Notify,
    Regenerate,
    Send,
    Stop,
    Subscribe,
    Unsubscribe,
)
from chat.database import in_database
from chat.frame_errors import error_frame
from chat.generation import Generation
from chat.metrics import RESUMES
from chat.obeying import REFUSALS, code_of, start_turn, stop_turn, take_note
from chat.outbox import Outbox, SlowReaderError
from chat.retelling import Retold, in_log, refuse_unreached, retold_after_loss
from chat.subscriptions import Subscription
from chat.turn.cursor import START, Cursor
from chat.turn_reading import stored_pieces
from chat.visitors import Identity
from chat.wire_format import Accepted, TurnView

MAX_SUBSCRIPTIONS = 32
MAX_WAITING = 32
"""Commands that may wait for the client to read, before those behind them are not looked at."""


class Connection:
    def __init__(
        self, identity: Identity, generation: Generation, outbox: Outbox, *, language: str
    ) -> None:
        self._identity = identity
        self._generation = generation
        self._outbox = outbox
        self._language = language
        self._subscriptions: dict[UUID, Subscription] = {}
        self._order = asyncio.Lock()
        self._unstarted: set[UUID] = set()
        """What asked for turns that a `stop` would not find yet."""
        self._obeying: set[asyncio.Task[None]] = set()

    async def obey(self, command: Command) -> None:
        """Do one command, after those before it. Returns when it is done, or waits for the client
        to read: a stop behind it must not. What cannot be done is answered with an error frame.

        Raises SlowReaderError.
        """
        if isinstance(command, Send | Regenerate):
            self._unstarted.add(command.id)
        task = asyncio.create_task(self._obeyed(command), name="command of a socket")
        self._obeying.add(task)
        task.add_done_callback(self._obeying.discard)
        await self._done_or_stalled(task)
        if task.done():
            task.result()
        else:
            task.add_done_callback(tell_of_late_failure)

    async def close(self) -> None:
        """Stop following; turns go on."""
        tasks = [task for each in self._subscriptions.values() for task in each.close()]
        tasks += self._obeying
        for task in self._obeying:
            task.cancel()
        self._subscriptions.clear()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _done_or_stalled(self, task: asyncio.Task[None]) -> None:
        """Only done, where too many wait already."""
        stalled = asyncio.create_task(self._outbox.stalled())
        awaited = {task} if len(self._obeying) > MAX_WAITING else {task, stalled}
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stalled.cancel()

    async def _obeyed(self, command: Command) -> None:
        try:
            if isinstance(command, Stop) and command.send not in self._unstarted:
                await self._do(command)
            else:
                async with self._order:
                    await self._do(command)
        except tuple(REFUSALS) as error:
            named = getattr(command, "id", None)
            id_ = str(named) if named else None
            await self._outbox.send(error_frame(code_of(error), language=self._language, id_=id_))

    async def _do(self, command: Command) -> None:
        match command:
            case Send() | Regenerate():
                await self._start_turn(command)
            case Stop():
                await stop_turn(self._identity, self._generation, command)
            case Subscribe():
                await self._subscribe(command)
            case Unsubscribe():
                self._unsubscribe(command.conversation)
            case GiveFeedback() | Notify():
                await take_note(self._identity, self._generation, command)
                await self._outbox.send(wire_format.done(command.id))

    async def _start_turn(self, command: Send | Regenerate) -> None:
        """Store first, then say so: from `accepted` on the message cannot be lost."""
        try:
            accepted = await start_turn(self._identity, self._generation, command, self._knows)
        finally:
            self._unstarted.discard(command.id)
        subscription = self._subscription(accepted.conversation)
        subscription.knows(accepted.rev)
        await self._outbox.send(wire_format.accepted(accepted))
        if accepted.duplicate and await self._retell(accepted.turn, START):
            return  # and whatever else is followed goes on
        subscription.follow(accepted.turn, START)

    def _knows(self, accepted: Accepted) -> None:
        if subscription := self._subscriptions.get(accepted.conversation):
            subscription.knows(accepted.rev)

    async def _subscribe(self, command: Subscribe) -> None:
        """Listen before reading, or a change between the two would be told by neither.

        Be quiet while reading, or the client would hear of an end first and then, by `sync`, of
        how things were before it.
        """
        await in_database(conversations.conversation_of, self._identity, command.conversation)
        subscription = self._subscription(command.conversation)
        async with subscription.quiet():
            turn = await self._outbox.send_made(partial(self._sync, command, subscription))
        if turn is not None:
            cursor = known_cursor(command, turn)
            if cursor > START:
                RESUMES.inc()
            await self._show(turn, subscription, cursor)

    async def _sync(
        self, command: Subscribe, subscription: Subscription
    ) -> tuple[list[str], TurnView | None]:
        view = await in_database(conversations.view, self._identity, command)
        if view.turn is not None:
            refuse_unreached(known_cursor(command, view.turn), view.turn, self._generation.log)
        subscription.knows(view.rev)
        subscription.rest()  # what follows `sync` begins at the cursor that the client named
        return [wire_format.sync(view)], view.turn

    async def _show(self, turn: TurnView, subscription: Subscription, cursor: Cursor) -> None:
        """Bring the client from `cursor` to where the turn is, and on from there."""
        if in_log(turn, self._generation.log):
            subscription.follow(turn.id, cursor)
        elif turn.last is not None and cursor < turn.last:
            await self._retell(turn.id, cursor)

    async def _retell(self, turn: UUID, cursor: Cursor) -> bool:
        """Tell a turn's end from Postgres, if it stands there."""
        return await self._outbox.send_made(partial(self._stored, turn, cursor))

    async def _stored(self, turn: UUID, cursor: Cursor) -> tuple[list[str], bool]:
        told = await self._retold(turn)
        return [piece.frame for piece in stored_pieces(told, cursor)], told is not None

    async def _retold(self, turn: UUID) -> Retold | None:
        return await retold_after_loss(self._identity, turn)

    def _subscription(self, conversation: UUID) -> Subscription:
        if conversation not in self._subscriptions:
            if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
                self._subscriptions.pop(next(iter(self._subscriptions))).close()
            self._subscriptions[conversation] = Subscription(
                conversation, self._generation.log, self._outbox.send, self._retold
            )
        return self._subscriptions[conversation]

    def _unsubscribe(self, conversation: UUID) -> None:
        if conversation in self._subscriptions:
            self._subscriptions.pop(conversation).close()


def known_cursor(command: Subscribe, turn: TurnView) -> Cursor:
    """Where the client is in the turn that it is shown."""
    named = command.turn
    return named.cursor if named and named.id == turn.id else START


def tell_of_late_failure(task: asyncio.Task[None]) -> None:
    """A callback for commands that nobody awaits any more. A slow reader's socket goes anyway."""
    if task.cancelled() or not isinstance(task.exception(), SlowReaderError):
        tell_of_failure(task)
