"""One visitor's connection: obeys its commands, follows what it subscribed to."""

import asyncio
from uuid import UUID

from chat import conversations, wire_format
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
from chat.obeying import REFUSALS, code_of, start_turn, stop_turn
from chat.outbox import Outbox
from chat.retelling import Retold, in_log, refuse_unreached, retold_after_loss
from chat.subscriptions import Subscription
from chat.turn.cursor import START, Cursor
from chat.turn_reading import stored_pieces
from chat.visitors import Identity
from chat.wire_format import TurnView

MAX_SUBSCRIPTIONS = 32


class Connection:
    def __init__(
        self, identity: Identity, generation: Generation, outbox: Outbox, *, language: str
    ) -> None:
        self._identity = identity
        self._generation = generation
        self._outbox = outbox
        self._language = language
        self._subscriptions: dict[UUID, Subscription] = {}

    async def obey(self, command: Command) -> None:
        """Do one command. What cannot be done is answered with an error frame.

        Raises SlowReaderError.
        """
        try:
            await self._do(command)
        except tuple(REFUSALS) as error:
            named = getattr(command, "id", None)
            id_ = str(named) if named else None
            await self._outbox.send(error_frame(code_of(error), language=self._language, id_=id_))

    async def close(self) -> None:
        """Stop following; turns go on."""
        tasks = [task for each in self._subscriptions.values() for task in each.close()]
        self._subscriptions.clear()
        await asyncio.gather(*tasks, return_exceptions=True)

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
                await in_database(conversations.take_note, self._identity, command)
                await self._outbox.send(wire_format.done(command.id))

    async def _start_turn(self, command: Send | Regenerate) -> None:
        """Store first, then say so: from `accepted` on the message cannot be lost."""
        accepted = await start_turn(self._identity, self._generation, command)
        subscription = self._subscription(accepted.conversation)
        subscription.knows(accepted.rev)
        await self._outbox.send(wire_format.accepted(accepted))
        if told := accepted.duplicate and await self._retold(accepted.turn):
            await self._tell(told, START)  # and whatever else is followed goes on
        else:
            subscription.follow(accepted.turn, START)

    async def _subscribe(self, command: Subscribe) -> None:
        """Listen before reading, or a change between the two would be told by neither.

        Be quiet while reading, or the client would hear of an end first and then, by `sync`, of
        how things were before it.
        """
        conversation = command.conversation
        await in_database(conversations.conversation_of, self._identity, conversation)
        await self._outbox.room_for_much()
        subscription = self._subscription(conversation)
        async with subscription.quiet():
            view = await in_database(conversations.view, self._identity, command)
            cursor = START
            if command.turn and view.turn and command.turn.id == view.turn.id:
                cursor = command.turn.cursor
            if view.turn is not None:
                refuse_unreached(cursor, view.turn, self._generation.log)
            subscription.knows(view.rev)
            subscription.rest()  # what follows `sync` begins at the cursor that the client named
            await self._outbox.send(wire_format.sync(view))
        if view.turn is not None:
            if cursor > START:
                RESUMES.inc()
            await self._show(view.turn, subscription, cursor)

    async def _show(self, turn: TurnView, subscription: Subscription, cursor: Cursor) -> None:
        """Bring the client from `cursor` to where the turn is, and on from there."""
        if in_log(turn, self._generation.log):
            subscription.follow(turn.id, cursor)
        elif turn.last is not None and cursor < turn.last:
            await self._outbox.room_for_much()
            await self._tell(await self._retold(turn.id), cursor)

    async def _retold(self, turn: UUID) -> Retold | None:
        return await retold_after_loss(self._identity, turn)

    async def _tell(self, told: Retold | None, cursor: Cursor) -> None:
        for piece in stored_pieces(told, cursor):
            await self._outbox.send(piece.frame)

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
