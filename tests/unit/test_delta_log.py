"""The events of a turn as one list with many readers, and how long a process holds it."""

import asyncio
from uuid import UUID

import pytest

from chat.delta_log import tails as tails_module
from chat.delta_log.base import Checkpoint, LoggedEvent, Tail
from chat.delta_log.memory import MemoryDeltaLog
from chat.delta_log.tails import Tails
from chat.turn.cursor import START, Cursor
from chat.turn.events import Ended, Outcome, Restarted, TextDelta

TURN = UUID("0197a1b2-0000-7000-8000-000000000001")
CHECKPOINT = Checkpoint(cursor=Cursor(1, 5), text="stored", blocks=())
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
        await tail_of(*EVENTS).news_for(Cursor(2, 1))


async def test_every_waiting_reader_wakes_when_there_is_more() -> None:
    tail = tail_of(delta(1, 1))
    waiting = [asyncio.create_task(tail.news_for(Cursor(1, 1))) for _ in range(3)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await tail.news_for(Cursor(1, 1))

    tail.extend([delta(1, 2)])

    await asyncio.wait_for(asyncio.gather(*waiting), 5)


async def test_reader_waits_on_through_events_that_it_has_seen() -> None:
    tail = Tail()
    waiting = asyncio.create_task(tail.news_for(Cursor(1, 2)))

    tail.extend([delta(1, 1)])
    tail.extend([delta(1, 2)])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.shield(waiting)
    tail.extend([delta(1, 3)])

    await asyncio.wait_for(waiting, 5)


async def test_reader_of_a_lost_tail_waits_no_longer() -> None:
    tail = tail_of(delta(1, 1))
    waiting = asyncio.create_task(tail.news_for(Cursor(1, 1)))

    tail.lose()

    await asyncio.wait_for(waiting, 5)


@pytest.mark.parametrize(
    ("cursor", "told"),
    [
        pytest.param(START, True, id="nothing seen"),
        pytest.param(Cursor(1, 4), True, id="less seen"),
        pytest.param(Cursor(1, 5), False, id="as much seen"),
        pytest.param(Cursor(2, 1), False, id="a later attempt seen"),
    ],
)
def test_checkpoint_is_for_readers_before_it(cursor: Cursor, *, told: bool) -> None:
    tail = tail_of(delta(1, 1))

    tail.note(CHECKPOINT)

    assert (tail.checkpoint_beyond(cursor) == CHECKPOINT) is told


def test_checkpoint_that_the_events_have_reached_is_not_told() -> None:
    tail = tail_of(*[delta(1, n) for n in range(1, 6)])

    tail.note(CHECKPOINT)

    assert tail.checkpoint_beyond(START) is None


def test_tail_of_an_owner_is_known_until_it_lets_go() -> None:
    tails = Tails()
    tail = tails.own(TURN)
    owned = tails.known(TURN)

    tails.release(TURN)

    assert (owned, tails.known(TURN)) == (tail, None)


async def test_ended_turn_is_known_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails_module, "KEEP_SECONDS", 0)
    tails = Tails()
    tail = tails.own(TURN)
    tail.extend([ended_at(1)])

    tails.release(TURN)
    assert tails.known(TURN) is tail
    async with asyncio.timeout(5):
        while tails.known(TURN):
            await asyncio.sleep(0)


async def test_ended_turn_that_is_read_outlives_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails_module, "KEEP_SECONDS", 0)
    tails = Tails()
    tails.own(TURN).extend([ended_at(1)])

    with tails.follow(TURN) as reader:
        tails.release(TURN)
        await asyncio.sleep(0.001)

        with tails.follow(TURN) as another:
            assert another is reader
    assert tails.get(TURN) is not reader


def test_turn_is_followed_elsewhere_while_it_is_read_and_not_owned() -> None:
    tails = Tails()

    with tails.follow(TURN) as tail, tails.follow(TURN):
        assert tails.followed_elsewhere() == {TURN: tail}
        tails.own(TURN)
        assert tails.followed_elsewhere() == {}
        tails.release(TURN)
        assert tails.followed_elsewhere() == {TURN: tail}
    assert tails.followed_elsewhere() == {}


def test_turn_that_nobody_reads_or_owns_is_forgotten() -> None:
    tails = Tails()

    with tails.follow(TURN) as tail:
        tail.extend(EVENTS)

    assert tails.get(TURN).last == START


async def test_restarted_turn_goes_on_in_the_same_tail() -> None:
    log = MemoryDeltaLog()
    again = LoggedEvent(cursor=Cursor(2, 1), event=Restarted(keep=0, why="worker_lost"))
    with log.follow(TURN) as tail:
        await log.append(TURN, EVENTS[:3])

        await log.append(TURN, [again])

    assert list(tail.after(Cursor(1, 3))) == [again]
