"""A socket's credit: a ping every 64 KiB, and never more than the window without its pong."""

import asyncio
import json
from itertools import count, islice, pairwise
from typing import Any

import pytest

from chat.outbox import (
    BUDGET,
    MUCH_BYTES,
    PING_BYTES,
    SHARE_BYTES,
    SILENT_PINGS,
    WINDOW_BYTES,
    Crowd,
    Outbox,
    SlowReaderError,
    unguessable,
)
from chat.rates import Rate

FRAME = "x" * (16 * 1024)
PINGS_PER_WINDOW = WINDOW_BYTES // PING_BYTES
SOCKETS = 200
SOCKETS_BYTES = 16 * 1024 * 1024
"""What they may cost together, where none of them reads."""


class Wire:
    """What has gone out. Gives way while it sends, as a real socket does.

    With `reads` it is answered, a moment later.
    """

    def __init__(
        self,
        *,
        ping_seconds: float = 20,
        stuck_seconds: float = 30,
        crowd: Crowd | None = None,
        budget: Rate = BUDGET,
        reads: bool = False,
    ) -> None:
        self.frames: list[str] = []
        self._reads = reads
        self.outbox = Outbox(
            self.send,
            crowd or Crowd(),
            ping_seconds=ping_seconds,
            stuck_seconds=stuck_seconds,
            numbers=count(1),
            budget=budget,
        )

    async def send(self, frame: str) -> None:
        await asyncio.sleep(0)
        self.frames.append(frame)
        if self._reads and frame.startswith("{"):
            later = asyncio.get_running_loop().call_later
            later(0.001, self.outbox.pong, json.loads(frame)["k"])

    @property
    def pings(self) -> list[int]:
        return [json.loads(frame)["k"] for frame in self.frames if frame.startswith("{")]

    @property
    def sent_bytes(self) -> int:
        """Without the pings."""
        return sum(len(frame.encode()) for frame in self.frames if not frame.startswith("{"))

    async def fill(self) -> None:
        while self.sent_bytes < WINDOW_BYTES:
            await self.outbox.send(FRAME)

    async def send_for_ever(self, frame: str) -> None:
        while True:
            await self.outbox.send(frame)

    async def send_as_many_as_pass(self, count: int) -> None:
        """From as many tasks at once."""
        senders = [asyncio.create_task(self.outbox.send(FRAME)) for _ in range(count)]
        await asyncio.wait(senders, timeout=0.1)
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)

    async def blocks(self) -> bool:
        """Whether one more frame has to wait."""
        before = self.sent_bytes
        try:
            async with asyncio.timeout(0.02):
                await self.outbox.send(FRAME)
        except TimeoutError:
            assert self.sent_bytes == before
            return True
        return False


@pytest.fixture
def wire() -> Wire:
    return Wire()


async def test_ping_follows_every_64_kib(wire: Wire) -> None:
    for _ in range(9):
        await wire.outbox.send(FRAME)

    assert [position for position, frame in enumerate(wire.frames) if frame != FRAME] == [4, 9]
    assert wire.pings == [1, 2]


async def test_bytes_count_and_not_characters(wire: Wire) -> None:
    await wire.outbox.send("答" * (PING_BYTES // 3))
    assert wire.pings == []

    await wire.outbox.send("答")

    assert wire.pings == [1]


async def test_full_window_blocks(wire: Wire) -> None:
    await wire.fill()

    assert wire.sent_bytes == WINDOW_BYTES
    assert wire.pings == [1, 2, 3, 4]
    assert await wire.blocks()


async def test_pong_lets_a_waiting_frame_through(wire: Wire) -> None:
    await wire.fill()
    waiting = asyncio.create_task(wire.outbox.send(FRAME))

    wire.outbox.pong(PINGS_PER_WINDOW)
    await asyncio.wait_for(waiting, 5)

    assert wire.sent_bytes == WINDOW_BYTES + len(FRAME)


async def test_pong_acknowledges_what_came_before_its_ping(wire: Wire) -> None:
    await wire.fill()

    wire.outbox.pong(1)

    for _ in range(PING_BYTES // len(FRAME)):
        assert not await wire.blocks()
    assert await wire.blocks()


async def test_later_pong_acknowledges_for_the_earlier(wire: Wire) -> None:
    await wire.fill()

    wire.outbox.pong(PINGS_PER_WINDOW)
    wire.outbox.pong(1)

    for _ in range(WINDOW_BYTES // len(FRAME)):
        assert not await wire.blocks()
    assert await wire.blocks()


@pytest.mark.parametrize("k", [0, PINGS_PER_WINDOW + 1, 2**53])
async def test_unknown_pong_means_nothing(wire: Wire, k: int) -> None:
    await wire.fill()

    answered = wire.outbox.pong(k)

    assert not answered
    assert await wire.blocks()


async def test_pong_counts_once(wire: Wire) -> None:
    await wire.fill()
    wire.outbox.pong(1)
    for _ in range(PING_BYTES // len(FRAME)):
        await wire.outbox.send(FRAME)

    wire.outbox.pong(1)

    assert await wire.blocks()


async def test_many_senders_together_stay_within_the_window(wire: Wire) -> None:
    await wire.send_as_many_as_pass(64)

    assert wire.sent_bytes == WINDOW_BYTES


async def test_many_waiting_senders_get_no_more_than_was_acknowledged(wire: Wire) -> None:
    await wire.fill()
    asyncio.get_running_loop().call_later(0.01, wire.outbox.pong, 1)

    await wire.send_as_many_as_pass(64)

    assert wire.sent_bytes == WINDOW_BYTES + PING_BYTES


async def test_reader_who_acknowledges_nothing_is_slow() -> None:
    wire = Wire(stuck_seconds=0.01)
    await wire.fill()

    with pytest.raises(SlowReaderError):
        await wire.outbox.send(FRAME)

    assert await asyncio.wait_for(wire.outbox.lost(), 5) == "slow"


async def test_transport_that_takes_nothing_is_slow() -> None:
    async def send(_frame: str) -> None:
        await asyncio.Event().wait()

    outbox = Outbox(send, Crowd(), ping_seconds=20, stuck_seconds=0.01)

    with pytest.raises(SlowReaderError):
        await outbox.send(FRAME)


async def test_socket_in_a_crowd_is_held_to_its_share() -> None:
    crowd = Crowd(most=SHARE_BYTES)
    first, second = Wire(crowd=crowd), Wire(crowd=crowd)

    for wire in (first, second):
        await wire.send_as_many_as_pass(8)

    assert (first.sent_bytes, second.sent_bytes) == (SHARE_BYTES, SHARE_BYTES)


async def test_reader_in_a_crowd_goes_on_with_its_own_pong() -> None:
    crowd = Crowd(most=1)
    stuck, reader = Wire(crowd=crowd), Wire(crowd=crowd)
    await stuck.send_as_many_as_pass(8)

    for k in range(1, 4):
        await reader.send_as_many_as_pass(8)
        assert reader.outbox.pong(k)

    assert reader.sent_bytes == 3 * SHARE_BYTES


async def test_frame_that_does_not_fit_asks_for_an_acknowledgement_first(wire: Wire) -> None:
    await wire.outbox.send("small")
    large = asyncio.create_task(wire.outbox.send("x" * WINDOW_BYTES))
    while not wire.pings:
        await asyncio.sleep(0)

    wire.outbox.pong(1)
    await asyncio.wait_for(large, 5)

    assert [len(frame) for frame in wire.frames if not frame.startswith("{")] == [5, WINDOW_BYTES]


async def test_large_frame_is_not_starved_by_small_ones() -> None:
    wire = Wire(reads=True)
    small = asyncio.create_task(wire.send_for_ever("x" * 400))
    while not wire.pings:
        await asyncio.sleep(0)

    await asyncio.wait_for(wire.outbox.send("x" * (WINDOW_BYTES + 1)), 5)

    await cancelled(small)


async def test_small_frame_does_not_overtake_a_large_one(wire: Wire) -> None:
    await wire.fill()
    large = asyncio.create_task(wire.outbox.send("l" * (2 * PING_BYTES - 1)))
    small = asyncio.create_task(wire.outbox.send("s"))

    wire.outbox.pong(1)
    await asyncio.wait([small], timeout=0.02)
    assert not small.done()
    wire.outbox.pong(2)
    await asyncio.wait_for(asyncio.gather(large, small), 5)

    assert [frame[0] for frame in wire.frames if frame[0] in "ls"] == ["l", "s"]


async def test_large_frame_that_is_given_up_lets_the_next_one_through(wire: Wire) -> None:
    await wire.fill()
    large = asyncio.create_task(wire.outbox.send("l" * WINDOW_BYTES))
    small = asyncio.create_task(wire.outbox.send(FRAME))
    wire.outbox.pong(1)
    await asyncio.wait([small], timeout=0.02)

    large.cancel()

    await asyncio.wait_for(small, 5)


async def test_everybody_who_waits_hears_that_the_reader_is_slow() -> None:
    wire = Wire(stuck_seconds=0.01)
    await wire.fill()

    sent = [wire.outbox.send(FRAME) for _ in range(3)]

    errors = await asyncio.gather(*sent, return_exceptions=True)
    assert [type(error) for error in errors] == [SlowReaderError] * 3


async def test_socket_is_stalled_while_a_frame_waits(wire: Wire) -> None:
    await wire.fill()
    stalled = asyncio.create_task(wire.outbox.stalled())
    await asyncio.sleep(0)
    assert not stalled.done()

    waiting = asyncio.create_task(wire.outbox.send(FRAME))
    await asyncio.wait_for(stalled, 5)
    wire.outbox.pong(PINGS_PER_WINDOW)
    await asyncio.wait_for(waiting, 5)

    assert not wire.outbox.full


async def cancelled(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class History:
    """Something large that takes its time to be made, where `held` says so."""

    def __init__(self, size: int = MUCH_BYTES) -> None:
        self.frame = "h" * size
        self.times_made = 0
        self.held = asyncio.Event()
        self.held.set()

    async def make(self) -> tuple[list[str], str]:
        self.times_made += 1
        await self.held.wait()
        return [self.frame], "of a child"


async def test_something_large_is_made_at_once_where_there_is_credit(wire: Wire) -> None:
    history = History()
    await wire.outbox.send("small")

    known = await wire.outbox.send_made(history.make)

    assert (wire.frames[:2], known) == (["small", history.frame], "of a child")


async def test_something_large_is_not_made_before_there_is_credit(wire: Wire) -> None:
    history = History()
    await wire.fill()
    waiting = asyncio.create_task(wire.outbox.send_made(history.make))
    await wire.outbox.stalled()
    assert history.times_made == 0

    wire.outbox.pong(1)
    await asyncio.wait_for(waiting, 5)

    assert wire.sent_bytes == WINDOW_BYTES + MUCH_BYTES


async def test_in_a_crowd_something_large_is_made_when_all_else_is_answered() -> None:
    wire, history = Wire(crowd=Crowd(most=1)), History()
    await wire.outbox.send("small")
    waiting = asyncio.create_task(wire.outbox.send_made(history.make))
    while not wire.pings:
        await asyncio.sleep(0)
    assert history.times_made == 0

    wire.outbox.pong(1)

    await asyncio.wait_for(waiting, 5)


async def test_what_is_being_made_is_part_of_the_crowd() -> None:
    crowd = Crowd(most=MUCH_BYTES)
    first, second = Wire(crowd=crowd), Wire(crowd=crowd)
    slow, history = History(), History()
    slow.held.clear()
    await second.outbox.send("small")

    making = asyncio.create_task(first.outbox.send_made(slow.make))
    waiting = asyncio.create_task(second.outbox.send_made(history.make))
    await second.outbox.stalled()

    assert (slow.times_made, history.times_made) == (1, 0)
    await cancelled(making, waiting)


async def test_what_is_being_made_has_its_credit_when_it_is_ready(wire: Wire) -> None:
    history = History()
    history.held.clear()
    making = asyncio.create_task(wire.outbox.send_made(history.make))
    await wire.send_as_many_as_pass(64)

    history.held.set()
    await asyncio.wait_for(making, 5)

    assert wire.sent_bytes == WINDOW_BYTES


async def test_credit_that_was_not_needed_is_given_back() -> None:
    crowd = Crowd()
    wire = Wire(crowd=crowd)

    await wire.outbox.send_made(History(100).make)

    assert crowd.unanswered == 100


async def test_credit_for_what_could_not_be_made_is_given_back() -> None:
    async def fail() -> tuple[list[str], None]:
        raise LookupError

    crowd = Crowd()
    wire = Wire(crowd=crowd)

    with pytest.raises(LookupError):
        await wire.outbox.send_made(fail)

    assert crowd.unanswered == 0


async def test_credit_for_what_nobody_waits_for_any_more_is_given_back() -> None:
    crowd, history = Crowd(), History()
    history.held.clear()
    wire = Wire(crowd=crowd)
    making = asyncio.create_task(wire.outbox.send_made(history.make))
    while not history.times_made:
        await asyncio.sleep(0)

    await cancelled(making)

    assert crowd.unanswered == 0
    assert not await wire.blocks()


async def test_what_is_larger_than_was_expected_is_made_again_to_go_alone(wire: Wire) -> None:
    history = History(WINDOW_BYTES + 1)
    await wire.outbox.send("small")
    waiting = asyncio.create_task(wire.outbox.send_made(history.make))
    while not wire.pings:
        await asyncio.sleep(0)
    assert history.times_made == 1

    wire.outbox.pong(1)
    await asyncio.wait_for(waiting, 5)

    assert history.times_made == 2
    assert history.frame in wire.frames


async def test_what_is_larger_than_was_expected_waits_for_the_crowd_to_go() -> None:
    crowd, history = Crowd(most=2 * MUCH_BYTES), History(WINDOW_BYTES + 1)
    wire = Wire(crowd=crowd)
    crowd.unanswered += 2 * MUCH_BYTES
    waiting = asyncio.create_task(wire.outbox.send_made(history.make))
    await wire.outbox.stalled()
    assert history.times_made == 1

    crowd.unanswered -= 2 * MUCH_BYTES
    await asyncio.wait_for(waiting, 5)

    assert history.frame in wire.frames


@pytest.mark.parametrize("size", [MUCH_BYTES, 4 * MUCH_BYTES], ids=["large", "too large"])
@pytest.mark.parametrize("answers", [False, True], ids=["never answers", "answers once"])
async def test_many_who_never_read_have_little_under_way(size: int, *, answers: bool) -> None:
    crowd, history = Crowd(), History(size)
    wires = [Wire(crowd=crowd) for _ in range(SOCKETS)]
    for wire in wires:
        await wire.outbox.send("welcome")
    if answers:
        for wire in wires:
            wire.outbox.close()  # as a pong for all that was sent does

    asking = [asyncio.create_task(wire.outbox.send_made(history.make)) for wire in wires]
    await asyncio.wait(asking, timeout=0.3)

    assert sum(wire.sent_bytes for wire in wires) < SOCKETS_BYTES
    await cancelled(*asking)


def test_number_of_the_next_ping_cannot_be_guessed() -> None:
    numbers = list(islice(unguessable(), 1000))

    steps = {later - earlier for earlier, later in pairwise(numbers)}
    assert len(steps) > 900
    assert min(steps) > 0


async def test_what_a_closed_socket_had_under_way_counts_no_more() -> None:
    crowd = Crowd()
    wire = Wire(crowd=crowd)
    await wire.fill()

    wire.outbox.close()

    assert crowd.unanswered == 0


async def test_client_that_is_never_heard_is_lost_after_three_pings() -> None:
    wire = Wire(ping_seconds=0.001)

    assert await asyncio.wait_for(wire.outbox.lost(), 5) == "idle"

    assert 1 <= len(wire.pings) <= SILENT_PINGS


async def test_client_that_says_anything_is_not_lost() -> None:
    heard = 0

    async def send(_ping: str) -> None:
        nonlocal heard
        if heard < 3 * SILENT_PINGS:
            heard += 1
            outbox.heard()

    outbox = Outbox(send, Crowd(), ping_seconds=0.01, stuck_seconds=30)

    assert await asyncio.wait_for(outbox.lost(), 5) == "idle"
    assert heard == 3 * SILENT_PINGS


async def test_client_that_reads_too_much_is_gone_as_one_that_does_not_read() -> None:
    wire = Wire(budget=Rate(per_second=1, burst=2 * len(FRAME)))
    await wire.outbox.send(FRAME)
    await wire.outbox.send(FRAME)

    with pytest.raises(SlowReaderError):
        await wire.outbox.send(FRAME)

    assert wire.sent_bytes == 2 * len(FRAME)
    assert await wire.outbox.lost() == "slow"
