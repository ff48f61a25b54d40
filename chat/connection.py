"""One visitor's connection: obeys its commands, follows what it subscribed to."""

import asyncio
import logging
import uuid
from collections.abc import Mapping
from uuid import UUID

from django.db import DatabaseError
from django.utils import translation

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
from chat.conversations import BusyError, IdConflictError, NotFoundError
from chat.database import in_database
from chat.delta_log.bells import Changed
from chat.frame_errors import SENTENCES
from chat.generation import Generation
from chat.metrics import RESUMES
from chat.outbox import Outbox
from chat.rendering import blocks_of, hosts_of
from chat.subscriptions import Subscription
from chat.turn.cursor import START, Cursor
from chat.visitors import Identity
from chat.wire_format import TurnView

logger = logging.getLogger(__name__)

MAX_SUBSCRIPTIONS = 32
RETELL_PAUSE_SECONDS = 1.0


class BadCursorError(Exception):
    """The cursor names an event that the turn does not have."""


class DrainingError(Exception):
    """The server takes up nothing new."""


REFUSALS: Mapping[type[Exception], str] = {
    NotFoundError: "not_found",
    IdConflictError: "id_conflict",
    BusyError: "busy",
    BadCursorError: "bad_cursor",
    DrainingError: "draining",
    DatabaseError: "unavailable",
}


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
            code = next(code for kind, code in REFUSALS.items() if isinstance(error, kind))
            named = getattr(command, "id", None)
            await self.refuse(code, id_=str(named) if named else None)

    async def refuse(self, code: str, *, id_: str | None = None) -> None:
        request = uuid.uuid4().hex[:12]
        logger.info("refused: %s request=%s", code, request)
        with translation.override(self._language):
            sentence = str(SENTENCES[code])
        await self._outbox.send(
            wire_format.error(id_=id_, code=code, message=sentence, request=request)
        )

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
                stopped = await in_database(conversations.request_stop, self._identity, command)
                if stopped:
                    self._generation.stop(stopped)
            case Subscribe():
                await self._subscribe(command)
            case Unsubscribe():
                self._unsubscribe(command.conversation)
            case GiveFeedback() | Notify():
                await in_database(conversations.take_note, self._identity, command)
                await self._outbox.send(wire_format.done(command.id))

    async def _start_turn(self, command: Send | Regenerate) -> None:
        """Store first, then say so: from `accepted` on the message cannot be lost."""
        if self._generation.draining:
            raise DrainingError
        match command:
            case Send():
                accept = in_database(conversations.accept_send, self._identity, command)
            case Regenerate():
                accept = in_database(conversations.accept_regenerate, self._identity, command)
        accepted = await accept
        subscription = self._subscription(accepted.conversation)
        subscription.knows(accepted.rev)
        await self._outbox.send(wire_format.accepted(accepted))
        if accepted.duplicate:
            turn = await in_database(conversations.turn_of, self._identity, accepted.turn)
            if turn.last is None:
                self._generation.start(turn.id)  # its socket may have died before it could
            await self._show(turn, subscription, START)
            return
        self._generation.start(accepted.turn)
        self._generation.log.ring(Changed(conversation=accepted.conversation, rev=accepted.rev))
        subscription.follow(accepted.turn, START)

    async def _subscribe(self, command: Subscribe) -> None:
        """Listen before reading, or a change between the two would be told by neither."""
        conversation = command.conversation
        await in_database(conversations.conversation_of, self._identity, conversation)
        subscription = self._subscription(conversation)
        view = await in_database(conversations.view, self._identity, command)
        cursor = START
        if command.turn and view.turn and command.turn.id == view.turn.id:
            cursor = command.turn.cursor
        self._check(cursor, view.turn)
        subscription.knows(view.rev)
        await self._outbox.send(wire_format.sync(view))
        if view.turn is not None:
            if cursor > START:
                RESUMES.inc()
            await self._show(view.turn, subscription, cursor)

    def _check(self, cursor: Cursor, turn: TurnView | None) -> None:
        """Raises BadCursorError for a place that the turn has not reached."""
        if turn is None:
            return
        tail = self._generation.log.known(turn.id)
        reached = turn.last or (tail.last if tail else START)
        unknown = reached == START  # its events died with their owner
        if cursor.attempt > turn.attempt if unknown else cursor > reached:
            raise BadCursorError

    async def _show(self, turn: TurnView, subscription: Subscription, cursor: Cursor) -> None:
        """Bring the client from `cursor` to where the turn is, and on from there."""
        tail = self._generation.log.known(turn.id)
        if turn.last is None or (tail and tail.ended):
            subscription.follow(turn.id, cursor)
        elif cursor < turn.last:
            await self._retell(turn, turn.last)

    async def _retell_lost(self, turn: UUID) -> None:
        """Of a turn that ended without its readers here. One that is gone has nothing to tell."""
        while True:
            try:
                view = await in_database(conversations.turn_of, self._identity, turn)
                if view.last is not None:
                    await self._retell(view, view.last)
            except NotFoundError:
                return
            except DatabaseError:
                await asyncio.sleep(RETELL_PAUSE_SECONDS)
            else:
                return

    async def _retell(self, turn: TurnView, last: Cursor) -> None:
        """The end of a turn whose log is gone, from Postgres."""
        reply = await in_database(conversations.reply_view, self._identity, turn.message)
        before = Cursor(last.attempt, last.n - 1)
        blocks = blocks_of(reply.text, hosts_of(reply.sources))
        await self._outbox.send(
            wire_format.snapshot(turn.id, cursor=before, text=reply.text, blocks=blocks)
        )
        await self._outbox.send(
            wire_format.stored_end(turn.id, after=before, cursor=last, reply=reply)
        )

    def _subscription(self, conversation: UUID) -> Subscription:
        if conversation not in self._subscriptions:
            if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
                self._subscriptions.pop(next(iter(self._subscriptions))).close()
            self._subscriptions[conversation] = Subscription(
                conversation, self._generation.log, self._outbox.send, self._retell_lost
            )
        return self._subscriptions[conversation]

    def _unsubscribe(self, conversation: UUID) -> None:
        if conversation in self._subscriptions:
            self._subscriptions.pop(conversation).close()
