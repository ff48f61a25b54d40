"""How long pieces of replies take to their readers, and how much work each is."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

from bench.delivery_stage import Mode, cpu_seconds, percentile, say
from bench.stamping_provider import question
from bench.wire_reader import WireReader
from tests.chat_client import Visitor
from tests.chat_reply import Frame

PACE_SECONDS = 0.02
PIECES = 150
LOADS = (1, 20, 100)
FIRST_PIECE_SECONDS = 1.5
"""Until then its reader, which may be another socket than the one that asked, follows the turn."""
BEGIN_WITHIN_SECONDS = 1.0
"""Streams do not begin in step, or all would say everything at the same moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Milliseconds from the provider to the reader, and microseconds of CPU for each piece."""

    first: list[float]
    later: list[float]
    cpu: float


async def compare_streams(modes: tuple[Mode, ...]) -> None:
    say("A piece each 20 ms: ms until a reader has the first one, and each later one; CPU a piece")
    for mode in modes:
        await streamed(mode, 1)  # to warm up
    for load in LOADS:
        measured = [await streamed(mode, load) for mode in modes]
        for mode, delivery in zip(modes, measured, strict=True):
            say(row(load, mode, delivery, measured[0]))


def row(load: int, mode: Mode, delivery: Delivery, memory: Delivery) -> str:
    first, later = (
        f"{percentile(values, 0.5):7.1f} {percentile(values, 0.99):7.1f}"
        for values in (delivery.first, delivery.later)
    )
    added = percentile(delivery.first, 0.5) - percentile(memory.first, 0.5)
    ratio = percentile(delivery.later, 0.5) / percentile(memory.later, 0.5)
    return (
        f"{load:4} streams, {mode.name:21} first p50 p99 {first} ({added:+5.1f}), later {later}"
        f" ({ratio:4.2f} x), CPU {cost(delivery.cpu, memory.cpu)}"
    )


def cost(cpu: float, memory: float) -> str:
    """Without a figure where the streams were never all under way at once."""
    return f"{cpu:6.0f} µs ({cpu / memory:4.2f} x)" if cpu and memory else "not measured"


async def streamed(mode: Mode, load: int) -> Delivery:
    visitor = await Visitor.arrive(mode.owner)
    readers = [await WireReader.of(visitor, mode.reader) for _ in range(load)]
    text = question(pieces=PIECES, pace=PACE_SECONDS, after=FIRST_PIECE_SECONDS)
    turns = await asyncio.gather(
        *(begun_later(visitor, mode, reader, text, i / load) for i, reader in enumerate(readers))
    )
    window = await busiest_window(mode, readers, turns)
    delays = [reader.delays(turn) for reader, turn in zip(readers, turns, strict=True)]
    for reader in readers:
        await reader.close()
    return Delivery(
        first=[each[0][1] for each in delays],
        later=[delay for each in delays for _, delay in each[1:]],
        cpu=window.cpu_seconds * 1e6 / window.pieces(delays),
    )


async def begun_later(
    visitor: Visitor, mode: Mode, reader: WireReader, text: str, share: float
) -> str:
    """The turn of a question that is asked at its time, once its reader follows it."""
    await asyncio.sleep(BEGIN_WITHIN_SECONDS * share)
    return str((await begin(visitor, mode, reader, text))["turn"])


async def begin(visitor: Visitor, mode: Mode, reader: WireReader, text: str) -> Frame:
    if mode.owner is mode.reader:
        return await reader.ask(text)
    asking = await WireReader.of(visitor, mode.owner)
    accepted = await asking.ask(text)
    await asking.close()
    turn = {"id": accepted["turn"], "cursor": "0-0"}
    await reader.say(type="subscribe", conversation=accepted["conversation"], rev=1, turn=turn)
    return accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """While all streams were running: in nanoseconds of the clock, and what was used."""

    begun: int
    ended: int
    cpu_seconds: float

    def pieces(self, delays: Iterable[list[tuple[int, float]]]) -> int:
        return sum(self.begun <= sent < self.ended for each in delays for sent, _ in each)


async def busiest_window(mode: Mode, readers: list[WireReader], turns: list[str]) -> Window:
    pairs = list(zip(readers, turns, strict=True))
    await asyncio.gather(*(reader.frame('"type":"text"', turn) for reader, turn in pairs))
    begun, used = time.monotonic_ns(), cpu_of(mode)
    ends = [asyncio.create_task(reader.frame('"type":"end"', turn)) for reader, turn in pairs]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    ended, used = time.monotonic_ns(), cpu_of(mode) - used
    await asyncio.gather(*ends)
    return Window(begun=begun, ended=ended, cpu_seconds=used)


def cpu_of(mode: Mode) -> float:
    return sum(cpu_seconds(server.pid) for server in mode.servers)
