"""The events of a turn as one list with many readers, and the bells of a conversation."""

import asyncio
from uuid import UUID

import pytest

from chat.delta_log import memory
from chat.delta_log.base import LoggedEvent, Tail
from chat.delta_log.memory import MemoryDeltaLog
from chat.turn.cursor import START, Cursor
from chat.turn.events import Ended, Outcome, Restarted, Started, TextDelta

TURN = UUID("0197a1b2-0000-7000-8000-000000000001")
CONVERSATION = UUID("0197a1b2-0000-7000-8000-000000000002")
ENDED = Ended(outcome=Outcome(), rev=3, length=0, sha256="")


def delta(attempt: int, n: int) -> LoggedEvent:
    return LoggedEvent(cursor=Cursor(attempt, n), event=TextDelta(text=f"{attempt}-{n}"))


EVENTS = [delta(1, 1), delta(1, 2), delta(1, 3), delta(2, 1), delta(2, 2)]


def tail_of(*events: LoggedEvent) -> Tail:
    tail = Tail()
    tail.extend(events)
    return tail


def ended_at(n: int) -> LoggedEvent:
    return LoggedEvent(cursor=Cursor(1, n), event=ENDED)


def test_new_tail_stands_before_every_event() -> None:
    tail = Tail()

    assert tail.last == START
    assert not tail.ended
    assert tail.after(START) == []


@pytest.mark.parametrize(
    ("cursor", "seen"),
    [
        pytest.param(START, 0, id="nothing seen"),
        pytest.param(Cursor(1, 1), 1, id="one seen"),
        pytest.param(Cursor(1, 3), 3, id="an attempt seen"),
        pytest.param(Cursor(1, 57), 3, id="more of an attempt than is here"),
        pytest.param(Cursor(2, 0), 3, id="before an attempt"),
        pytest.param(Cursor(2, 2), 5, id="everything seen"),
        pytest.param(Cursor(9, 9), 5, id="beyond the end"),
    ],
)
def test_reader_gets_what_follows_its_cursor(cursor: Cursor, seen: int) -> None:
    assert list(tail_of(*EVENTS).after(cursor)) == EVENTS[seen:]


def test_tail_has_ended_when_its_last_event_says_so() -> None:
    running, ended = tail_of(delta(1, 1)), tail_of(delta(1, 1))

    ended.extend([ended_at(2)])

    assert (running.ended, ended.ended) == (False, True)
    assert ended.last == Cursor(1, 2)


async def test_reader_behind_need_not_wait() -> None:
    async with asyncio.timeout(0):
        await tail_of(*EVENTS).grown_beyond(Cursor(2, 1))


async def test_every_waiting_reader_wakes_when_there_is_more() -> None:
    tail = tail_of(delta(1, 1))
    waiting = [asyncio.create_task(tail.grown_beyond(Cursor(1, 1))) for _ in range(3)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await tail.grown_beyond(Cursor(1, 1))

    tail.extend([delta(1, 2)])

    await asyncio.wait_for(asyncio.gather(*waiting), 5)


async def test_reader_waits_on_through_events_that_it_has_seen() -> None:
    tail = Tail()
    waiting = asyncio.create_task(tail.grown_beyond(Cursor(1, 2)))

    tail.extend([delta(1, 1)])
    tail.extend([delta(1, 2)])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.shield(waiting)
    tail.extend([delta(1, 3)])

    await asyncio.wait_for(waiting, 5)


async def test_log_keeps_what_is_appended() -> None:
    log = MemoryDeltaLog()
    early = log.tail(TURN)

    await log.append(TURN, EVENTS[:2])
    await log.append(TURN, EVENTS[2:])

    assert list(early.after(START)) == EVENTS
    assert log.tail(TURN) is early


async def test_turn_that_nobody_asked_for_is_not_known() -> None:
    log = MemoryDeltaLog()

    assert log.known(TURN) is None
    tail = log.tail(TURN)

    assert log.known(TURN) is tail


async def test_turns_are_kept_apart() -> None:
    log = MemoryDeltaLog()

    await log.append(TURN, EVENTS)

    assert log.tail(CONVERSATION).after(START) == []


async def test_ended_turn_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEEP_SECONDS", 0)
    log = MemoryDeltaLog()
    await log.append(TURN, [LoggedEvent(cursor=Cursor(1, 1), event=Started())])
    reader = log.tail(TURN)

    await log.append(TURN, [ended_at(2)])
    assert log.known(TURN) is reader
    async with asyncio.timeout(5):
        while log.known(TURN):
            await asyncio.sleep(0)

    assert reader.ended


async def test_restarted_turn_goes_on_in_the_same_tail() -> None:
    log = MemoryDeltaLog()
    await log.append(TURN, EVENTS[:3])
    again = LoggedEvent(cursor=Cursor(2, 1), event=Restarted(keep=0, why="worker_lost"))

    await log.append(TURN, [again])

    assert list(log.tail(TURN).after(Cursor(1, 3))) == [again]


def test_bell_rings_for_every_listener_of_the_conversation() -> None:
    log, here, there, elsewhere = MemoryDeltaLog(), list[int](), list[int](), list[int]()
    log.listen(CONVERSATION, here.append)
    log.listen(CONVERSATION, there.append)
    log.listen(TURN, elsewhere.append)

    log.ring(CONVERSATION, 7)

    assert (here, there, elsewhere) == ([7], [7], [])


def test_bell_is_not_heard_after_listening_ends() -> None:
    log, heard = MemoryDeltaLog(), list[int]()
    stop = log.listen(CONVERSATION, heard.append)

    stop()
    stop()
    log.ring(CONVERSATION, 7)

    assert heard == []


def test_listener_may_leave_when_the_bell_rings() -> None:
    log, heard = MemoryDeltaLog(), list[int]()

    def leave(rev: int) -> None:
        heard.append(rev)
        stop()

    stop = log.listen(CONVERSATION, leave)
    log.ring(CONVERSATION, 7)
    log.ring(CONVERSATION, 8)

    assert heard == [7]
