"""What one socket is told of a conversation: merged text, an unbroken chain, and changes."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.delta_log.base import Checkpoint, LoggedEvent
from chat.delta_log.bells import Changed
from chat.delta_log.memory import MemoryDeltaLog
from chat.retelling import Retold
from chat.subscriptions import Subscription
from chat.turn.cursor import START, Cursor
from chat.turn.events import Block, Ended, LogEvent, Outcome, Searching, Started, TextDelta
from chat.turn_reading import FRAME_CHARACTERS, event_pieces

TURN = UUID("0197a1b2-0000-7000-8000-000000000001")
CONVERSATION = UUID("0197a1b2-0000-7000-8000-000000000002")
OTHER_TURN = UUID("0197a1b2-0000-7000-8000-000000000003")

AHEAD = Cursor(1, 999_999)


def ended(rev: int) -> Ended:
    return Ended(outcome=Outcome(), rev=rev, length=0, sha256="")


def logged(*events: LogEvent, first: int = 1) -> list[LoggedEvent]:
    """These events with the ids that they have in a first attempt."""
    return [
        LoggedEvent(cursor=Cursor(1, n), event=event) for n, event in enumerate(events, start=first)
    ]


def texts(*pieces: str) -> list[LogEvent]:
    return [TextDelta(text=piece) for piece in pieces]


def framed(events: list[LoggedEvent], after: Cursor = START) -> list[dict[str, Any]]:
    return [json.loads(piece.frame) for piece in event_pieces(TURN, events, after)]


def test_neighbouring_text_is_merged() -> None:
    told = framed(logged(Started(), *texts("一", "二", "三"), Searching(question="四")))

    assert [frame["type"] for frame in told] == ["event", "text", "event"]
    assert told[1]["text"] == "一二三"
    assert (told[1]["after"], told[1]["cursor"]) == ("1-1", "1-4")


def test_piece_leads_to_its_last_event() -> None:
    text, end = event_pieces(TURN, logged(*texts("一", "二"), ended(3)), START)

    assert (text.kind, text.cursor, text.rev) == ("text", Cursor(1, 2), None)
    assert (end.kind, end.cursor, end.rev) == ("end", Cursor(1, 3), 3)


def test_nothing_new_makes_no_frame() -> None:
    assert framed([]) == []


def test_chain_begins_where_the_reader_is() -> None:
    [frame] = framed(logged(*texts("一"), first=58), after=Cursor(1, 57))

    assert (frame["after"], frame["cursor"]) == ("1-57", "1-58")


def test_text_of_a_frame_is_no_longer_than_16_k_characters() -> None:
    told = framed(logged(*texts(*["x" * 5_000] * 10)))

    assert [len(frame["text"]) for frame in told] == [15_000, 15_000, 15_000, 5_000]


def test_frame_may_be_full_to_the_character() -> None:
    told = framed(logged(*texts("x" * (FRAME_CHARACTERS - 1), "x", "x")))

    assert [len(frame["text"]) for frame in told] == [FRAME_CHARACTERS, 1]


def test_reader_far_behind_gets_few_frames() -> None:
    told = framed(logged(*texts(*"x" * 40_000)))

    assert len(told) == -(-40_000 // FRAME_CHARACTERS)


events = st.lists(
    st.sampled_from([*texts("一", "x" * 9_000, "y" * FRAME_CHARACTERS), Started()]), max_size=12
)


@given(events, st.integers(0, 12))
def test_chain_is_unbroken_and_nothing_is_lost(events: list[LogEvent], seen: int) -> None:
    log = logged(*events)[seen:]

    told = framed(log, Cursor(1, seen))

    cursors = [str(Cursor(1, seen)), *[frame["cursor"] for frame in told]]
    assert [frame["after"] for frame in told] == cursors[:-1]
    assert cursors[-1] == str(log[-1].cursor if log else Cursor(1, seen))
    assert "".join(frame.get("text", "|") for frame in told) == "".join(
        each.event.text if isinstance(each.event, TextDelta) else "|" for each in log
    )
    assert all(len(frame.get("text", "")) <= FRAME_CHARACTERS for frame in told)


class Socket:
    """A socket with one subscription, and the frames that it is sent."""

    def __init__(self) -> None:
        self.log = MemoryDeltaLog()
        self._frames: asyncio.Queue[str] = asyncio.Queue()
        self.subscription = Subscription(CONVERSATION, self.log, self._frames.put, self._retell)

    async def _retell(self, turn: UUID) -> Retold:
        snapshot, end = ({"type": kind, "turn": str(turn)} for kind in ("snapshot", "end"))
        return Retold(
            snapshot=json.dumps(snapshot),
            before=Cursor(1, 2),
            end=json.dumps(end),
            last=Cursor(1, 3),
        )

    async def next(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(self._frames.get(), 5))
        return frame

    async def until_end(self) -> list[dict[str, Any]]:
        told = [await self.next()]
        while told[-1]["type"] != "end":
            told.append(await self.next())
        return told

    async def is_silent(self) -> bool:
        try:
            async with asyncio.timeout(0.02):
                await self._frames.get()
        except TimeoutError:
            return True
        return False


@pytest.fixture
async def socket() -> AsyncIterator[Socket]:
    socket = Socket()
    yield socket
    await asyncio.gather(*socket.subscription.close(), return_exceptions=True)


async def test_reader_is_told_what_was_and_then_what_comes(socket: Socket) -> None:
    await socket.log.append(TURN, logged(Started(), *texts("一")))
    socket.subscription.follow(TURN, START)
    was = [await socket.next(), await socket.next()]

    await socket.log.append(TURN, logged(*texts("二"), ended(3), first=3))
    comes = await socket.until_end()

    assert [frame["cursor"] for frame in was + comes] == ["1-1", "1-2", "1-3", "1-4"]


async def test_reader_who_returns_gets_only_what_is_new(socket: Socket) -> None:
    await socket.log.append(TURN, logged(Started(), *texts("一", "二", "三"), ended(3)))

    socket.subscription.follow(TURN, Cursor(1, 3))

    text, end = await socket.until_end()
    assert (text["after"], text["text"]) == ("1-3", "三")
    assert end["after"] == "1-4"


async def test_nothing_is_told_in_between_while_something_else_is_looked_up(
    socket: Socket,
) -> None:
    socket.subscription.follow(TURN, START)

    async with socket.subscription.quiet():
        await socket.log.append(TURN, logged(Started(), ended(3)))
        socket.log.ring(Changed(conversation=CONVERSATION, rev=3))
        assert await socket.is_silent()

    assert [frame["type"] for frame in await socket.until_end()] == ["event", "end"]


async def test_next_turn_replaces_the_one_before(socket: Socket) -> None:
    socket.subscription.follow(TURN, START)

    socket.subscription.follow(OTHER_TURN, START)
    await socket.log.append(TURN, logged(Started()))
    await socket.log.append(OTHER_TURN, logged(Started()))

    assert (await socket.next())["turn"] == str(OTHER_TURN)
    assert await socket.is_silent()


async def test_change_elsewhere_is_told_once(socket: Socket) -> None:
    socket.log.ring(Changed(conversation=CONVERSATION, rev=6))
    socket.log.ring(Changed(conversation=CONVERSATION, rev=7))

    changed = {"type": "changed", "conversation": str(CONVERSATION), "rev": 7}
    assert await socket.next() == changed
    socket.log.ring(Changed(conversation=CONVERSATION, rev=7))
    assert await socket.is_silent()


async def test_change_that_the_client_knows_is_not_told(socket: Socket) -> None:
    socket.subscription.knows(7)
    socket.subscription.knows(5)

    socket.log.ring(Changed(conversation=CONVERSATION, rev=7))

    assert await socket.is_silent()


async def test_end_of_a_followed_turn_tells_its_change(socket: Socket) -> None:
    socket.subscription.follow(TURN, START)
    await socket.log.append(TURN, logged(ended(7)))

    socket.log.ring(Changed(conversation=CONVERSATION, rev=7))

    assert [frame["type"] for frame in await socket.until_end()] == ["end"]
    assert await socket.is_silent()


async def test_change_during_a_turn_is_told_after_it(socket: Socket) -> None:
    socket.subscription.follow(TURN, START)
    socket.log.ring(Changed(conversation=CONVERSATION, rev=9))
    assert await socket.is_silent()

    await socket.log.append(TURN, logged(ended(7)))

    assert [(await socket.next())["type"] for _ in range(2)] == ["end", "changed"]


async def test_deleted_conversation_is_told_as_changed_and_then_no_more(socket: Socket) -> None:
    socket.subscription.follow(TURN, START)
    await socket.log.append(TURN, logged(Started()))
    assert (await socket.next())["type"] == "event"

    socket.log.ring(Changed(conversation=CONVERSATION, rev=8, deleted=True))
    await socket.log.append(TURN, logged(ended(8)))

    assert (await socket.next()) == changed_to(8)
    socket.log.ring(Changed(conversation=CONVERSATION, rev=8))
    socket.subscription.follow(TURN, START)
    assert await socket.is_silent()


async def test_restored_conversation_is_followed_again(socket: Socket) -> None:
    socket.log.ring(Changed(conversation=CONVERSATION, rev=8, deleted=True))
    assert await socket.next() == changed_to(8)

    socket.log.ring(Changed(conversation=CONVERSATION, rev=9))
    assert await socket.next() == changed_to(9)
    socket.subscription.follow(TURN, START)
    await socket.log.append(TURN, logged(ended(10)))

    assert [frame["type"] for frame in await socket.until_end()] == ["end"]


async def test_restored_conversation_is_followed_though_its_bell_was_missed(
    socket: Socket,
) -> None:
    socket.log.ring(Changed(conversation=CONVERSATION, rev=8, deleted=True))
    assert await socket.next() == changed_to(8)

    socket.subscription.knows(9)
    socket.subscription.follow(TURN, START)
    await socket.log.append(TURN, logged(ended(10)))

    assert [frame["type"] for frame in await socket.until_end()] == ["end"]


def changed_to(rev: int) -> dict[str, object]:
    return {"type": "changed", "conversation": str(CONVERSATION), "rev": rev}


async def test_closed_subscription_is_silent(socket: Socket) -> None:
    socket.subscription.follow(TURN, START)

    tasks = socket.subscription.close()
    await asyncio.gather(*tasks, return_exceptions=True)
    socket.log.ring(Changed(conversation=CONVERSATION, rev=7))
    await socket.log.append(TURN, logged(Started()))

    assert await socket.is_silent()
    assert all(task.cancelled() for task in tasks)


async def test_reader_of_a_lost_log_is_told_the_end_from_storage(socket: Socket) -> None:
    await socket.log.append(TURN, logged(Started()))
    socket.subscription.follow(TURN, START)
    await socket.next()

    with socket.log.follow(TURN) as tail:
        tail.lose()

        told = await socket.until_end()

    assert [(frame["type"], frame["turn"]) for frame in told] == [
        ("snapshot", str(TURN)),
        ("end", str(TURN)),
    ]


async def test_reader_who_has_all_of_the_text_is_told_the_end_alone(socket: Socket) -> None:
    await socket.log.append(TURN, logged(Started(), *texts("一")))
    socket.subscription.follow(TURN, Cursor(1, 2))

    with socket.log.follow(TURN) as tail:
        tail.lose()

        assert [frame["type"] for frame in await socket.until_end()] == ["end"]


async def test_reader_without_events_is_told_what_storage_has_and_goes_on_from_there(
    socket: Socket,
) -> None:
    socket.subscription.follow(TURN, START)
    with socket.log.follow(TURN) as tail:
        stored = "First.\n\nThen"
        first = Block(start=0, end=8, html="<p>First.</p>\n")
        tail.note(Checkpoint(cursor=Cursor(1, 3), text=stored, blocks=(first,)))
        snapshot = await socket.next()
        await socket.log.append(TURN, logged(Started(), *texts("First.\n\n", "Then", " that.")))
        text = await socket.next()

    assert (snapshot["type"], snapshot["cursor"], snapshot["text"]) == ("snapshot", "1-3", stored)
    assert snapshot["blocks"] == [{"start": 0, "end": 8, "html": "<p>First.</p>\n"}]
    assert (text["after"], text["text"]) == ("1-3", " that.")


async def test_reader_who_is_further_than_storage_is_not_taken_back(socket: Socket) -> None:
    await socket.log.append(TURN, logged(Started(), *texts("一", "二")))
    socket.subscription.follow(TURN, Cursor(1, 3))

    with socket.log.follow(TURN) as tail:
        tail.note(Checkpoint(cursor=Cursor(1, 2), text="一", blocks=()))

        assert await socket.is_silent()


async def test_reader_ahead_of_the_turn_is_told_its_end_from_storage(socket: Socket) -> None:
    socket.subscription.follow(TURN, AHEAD)

    await socket.log.append(TURN, logged(Started(), *texts("一")))
    assert await socket.is_silent()
    await socket.log.append(TURN, logged(ended(3), first=3))

    assert [frame["type"] for frame in await socket.until_end()] == ["snapshot", "end"]


async def test_reader_ahead_of_a_turn_that_has_ended_is_told_its_end_from_storage(
    socket: Socket,
) -> None:
    await socket.log.append(TURN, logged(Started(), *texts("一"), ended(3)))

    socket.subscription.follow(TURN, AHEAD)

    assert [frame["type"] for frame in await socket.until_end()] == ["snapshot", "end"]


async def test_reader_ahead_of_a_lost_log_is_told_the_end_from_storage(socket: Socket) -> None:
    socket.subscription.follow(TURN, AHEAD)

    with socket.log.follow(TURN) as tail:
        tail.lose()

        assert [frame["type"] for frame in await socket.until_end()] == ["snapshot", "end"]


async def test_reader_ahead_of_what_is_known_waits_for_what_is_new(socket: Socket) -> None:
    socket.subscription.follow(TURN, Cursor(1, 4))
    with socket.log.follow(TURN) as tail:
        tail.note(Checkpoint(cursor=Cursor(1, 2), text="一", blocks=()))
        tail.note(Checkpoint(cursor=Cursor(1, 3), text="一二", blocks=()))
        assert await socket.is_silent()
        await socket.log.append(TURN, logged(Started(), *texts("一", "二", "三", "四")))

        text = await socket.next()

    assert (text["after"], text["cursor"], text["text"]) == ("1-4", "1-5", "四")
