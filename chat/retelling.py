"""A reply as Postgres has it, for readers of a turn whose log has nothing for them."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError

from chat import conversations, wire_format
from chat.conversations import NotFoundError
from chat.database import in_database
from chat.delta_log.base import DeltaLog
from chat.rendering import blocks_of, hosts_of
from chat.turn.cursor import START, Cursor
from chat.visitors import Identity
from chat.wire_format import TurnView

RETELL_PAUSE_SECONDS = 1.0


class BadCursorError(Exception):
    """The cursor names an event that the turn does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retold:
    """Two frames that tell the end of a turn, and where each leads."""

    snapshot: str
    before: Cursor
    end: str
    last: Cursor


def refuse_unreached(cursor: Cursor, turn: TurnView, log: DeltaLog) -> None:
    """Raises BadCursorError for a place that the turn has not reached.

    How far a running turn of another process is within its attempt is not known here: a reader
    who is ahead of it hears its end.
    """
    tail = log.known(turn.id)
    reached = turn.last or (tail.last if tail else START)
    unknown = reached == START  # its events are elsewhere, or died with their owner
    if cursor.attempt > turn.attempt if unknown else cursor > reached:
        raise BadCursorError


def in_log(turn: TurnView, log: DeltaLog) -> bool:
    """Whether the log will tell a reader the rest of the turn."""
    tail = log.known(turn.id)
    return turn.last is None or (tail is not None and tail.ended)


async def retold(identity: Identity, turn: TurnView, last: Cursor) -> Retold:
    """The end of a turn whose log is gone; `last` is the cursor of its end."""
    reply = await in_database(conversations.reply_view, identity, turn.message)
    before = Cursor(last.attempt, last.n - 1)
    blocks = blocks_of(reply.text, hosts_of(reply.sources))
    return Retold(
        snapshot=wire_format.snapshot(turn.id, cursor=before, text=reply.text, blocks=blocks),
        before=before,
        end=wire_format.stored_end(turn.id, after=before, cursor=last, reply=reply),
        last=last,
    )


async def retold_after_loss(identity: Identity, turn: UUID) -> Retold | None:
    """Of a turn that ended without its readers here; waits while Postgres is away.

    One that is gone, or runs again, has nothing to tell.
    """
    while True:
        try:
            view = await in_database(conversations.turn_of, identity, turn)
            return await retold(identity, view, view.last) if view.last else None
        except NotFoundError:
            return None
        except DatabaseError:
            await asyncio.sleep(RETELL_PAUSE_SECONDS)
