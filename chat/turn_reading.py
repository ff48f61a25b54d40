"""A turn as a reader is told it, over a socket or over HTTP: frames, each with where it leads."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from chat import wire_format
from chat.delta_log.base import DeltaLog, LoggedEvent, Tail
from chat.metrics import ENDS_FROM_STORAGE
from chat.retelling import Retold
from chat.turn.cursor import Cursor
from chat.turn.events import Ended, LogEvent, TextDelta

FRAME_CHARACTERS = 16 * 1024
"""Text of one frame at most. A reader that fell behind gets bigger frames, not a queue."""

Retell = Callable[[UUID], Awaitable[Retold | None]]
"""Tells a turn's end from Postgres, where its log is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A frame, its type, and the cursor of a reader who has it.

    `rev` is the revision of its conversation that a turn's end tells of.
    """

    kind: str
    frame: str
    cursor: Cursor
    rev: int | None = None


async def turn_pieces(
    log: DeltaLog, turn: UUID, cursor: Cursor, retell: Retell
) -> AsyncGenerator[Piece, None]:
    """What comes after `cursor`, as it comes, until the turn has ended.

    A cursor that the turn never reached is told the end alone.
    """
    with log.follow(turn) as tail:
        while not (tail.ended and cursor >= tail.last):
            await tail.news_for(min(cursor, furthest(tail)))
            if tail.lost:
                break
            for piece in await pieces_beyond(turn, tail, cursor):
                yield piece
                cursor = piece.cursor
        if tail.ended and cursor == tail.last:
            return
    ENDS_FROM_STORAGE.inc()
    async for piece in retold_pieces(turn, cursor, retell):
        yield piece


def furthest(tail: Tail) -> Cursor:
    """What is known here leads as far as this. Whoever is ahead of it waits for it to grow: it may
    catch up, or end without them."""
    return max(tail.last, tail.checkpoint.cursor) if tail.checkpoint else tail.last


async def retold_pieces(turn: UUID, cursor: Cursor, retell: Retell) -> AsyncGenerator[Piece, None]:
    """What comes after `cursor` of a turn that has ended and whose log is lost."""
    for piece in stored_pieces(await retell(turn), cursor):
        yield piece


async def pieces_beyond(turn: UUID, tail: Tail, cursor: Cursor) -> Iterable[Piece]:
    """In a thread where the end is among them: it has the experts' words as HTML."""
    pieces = new_pieces(turn, tail, cursor)
    return await asyncio.to_thread(list, pieces) if tail.ended else pieces


def new_pieces(turn: UUID, tail: Tail, cursor: Cursor) -> Iterator[Piece]:
    """What is known beyond `cursor` already: of a running reply as Postgres has it, for readers
    whom its events do not reach, or the events themselves."""
    if known := tail.checkpoint_beyond(cursor):
        cursor = known.cursor
        frame = wire_format.snapshot(turn, cursor=cursor, text=known.text, blocks=known.blocks)
        yield Piece(kind="snapshot", frame=frame, cursor=cursor)
    yield from event_pieces(turn, tail.after(cursor), cursor)


def stored_pieces(told: Retold | None, cursor: Cursor) -> Iterator[Piece]:
    """Whoever has all of the text lacks the end alone. A cursor beyond the end tells nothing of
    what its reader has."""
    if told is None or cursor == told.last:
        return
    if cursor != told.before:
        yield Piece(kind="snapshot", frame=told.snapshot, cursor=told.before)
    yield Piece(kind="end", frame=told.end, cursor=told.last)


def event_pieces(turn: UUID, events: Sequence[LoggedEvent], after: Cursor) -> Iterator[Piece]:
    """The events in as few frames as may be: neighbouring text is merged."""
    position = 0
    while position < len(events):
        run = text_run(events, position)
        last = events[position + max(run, 1) - 1]
        if run:
            joined = "".join(text_of(each) for each in events[position : position + run])
            frame = wire_format.text(turn, after=after, cursor=last.cursor, text=joined)
        else:
            frame = wire_format.logged(turn, after=after, cursor=last.cursor, event=last.event)
        rev = last.event.rev if isinstance(last.event, Ended) else None
        yield Piece(kind=kind_of(last.event), frame=frame, cursor=last.cursor, rev=rev)
        after = last.cursor
        position += max(run, 1)


def text_run(events: Sequence[LoggedEvent], position: int) -> int:
    """How many events from `position` on are text that fits one frame; 0 if the first is not."""
    characters = 0
    for end in range(position, len(events)):
        characters += len(text_of(events[end]))
        too_much = characters > FRAME_CHARACTERS and end > position
        if too_much or not isinstance(events[end].event, TextDelta):
            return end - position
    return len(events) - position


def text_of(logged: LoggedEvent) -> str:
    return logged.event.text if isinstance(logged.event, TextDelta) else ""


def kind_of(event: LogEvent) -> str:
    """The type of the frame that tells of it."""
    match event:
        case TextDelta():
            return "text"
        case Ended():
            return "end"
        case _:
            return "event"
