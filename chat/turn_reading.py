"""A turn as a reader over HTTP is told it: the socket's frames, each with where it leads."""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from uuid import UUID

from chat.delta_log.base import DeltaLog, Tail
from chat.metrics import ENDS_FROM_STORAGE
from chat.retelling import Retold, in_log, retold_after_loss
from chat.subscriptions import frames, snapshot
from chat.turn.cursor import Cursor
from chat.turn.events import Ended, LogEvent, TextDelta
from chat.visitors import Identity
from chat.wire_format import TurnView


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A frame, its type, and the cursor of a reader who has it."""

    kind: str
    frame: str
    cursor: Cursor


async def turn_pieces(
    identity: Identity, log: DeltaLog, turn: TurnView, cursor: Cursor
) -> AsyncGenerator[Piece, None]:
    """What comes after `cursor`, as it comes, until the turn has ended."""
    if not in_log(turn, log):
        for piece in stored_pieces(await retold_after_loss(identity, turn.id), cursor):
            yield piece
        return
    with log.follow(turn.id) as tail:
        while not (tail.ended and cursor >= tail.last):
            await tail.news_for(cursor)
            if tail.lost:
                break
            for piece in new_pieces(turn.id, tail, cursor):
                yield piece
                cursor = piece.cursor
        else:
            return
    ENDS_FROM_STORAGE.inc()
    for piece in stored_pieces(await retold_after_loss(identity, turn.id), cursor):
        yield piece


def new_pieces(turn: UUID, tail: Tail, cursor: Cursor) -> Iterator[Piece]:
    """What is known beyond `cursor` already."""
    if checkpoint := tail.checkpoint_beyond(cursor):
        cursor = checkpoint.cursor
        yield Piece(kind="snapshot", frame=snapshot(turn, checkpoint), cursor=cursor)
    for frame, last in frames(turn, tail.after(cursor), cursor):
        yield Piece(kind=kind_of(last.event), frame=frame, cursor=last.cursor)


def stored_pieces(told: Retold | None, cursor: Cursor) -> Iterator[Piece]:
    """Whoever has all of the text lacks the end alone."""
    if told is not None and cursor < told.before:
        yield Piece(kind="snapshot", frame=told.snapshot, cursor=told.before)
    if told is not None:
        yield Piece(kind="end", frame=told.end, cursor=told.last)


def kind_of(event: LogEvent) -> str:
    """The type of the frame that tells of it."""
    match event:
        case TextDelta():
            return "text"
        case Ended():
            return "end"
        case _:
            return "event"
