"""A thousand sockets that come back at once, each to a turn that runs, while others are read."""

import asyncio
from dataclasses import dataclass

from bench.crowd import Returning, come_back
from bench.delivery_stage import Mode, percentile, say
from bench.delivery_streams import begin
from bench.stamping_provider import question
from bench.wire_reader import WireReader
from tests.chat_client import Visitor, new_id
from tests.chat_reply import Frame

SOCKETS = 1000
TURNS = 10
TOLD = 60
"""Pieces of each turn that were told when the sockets come back; they know a third of them."""
OTHERS = 5
CALM_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A visitor's turn."""

    visitor: Visitor
    conversation: str
    turn: str
    events: int = 0
    """Told already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Seconds until each socket had caught up, and milliseconds of others' pieces meanwhile."""

    seconds: list[float]
    failures: int
    calm: list[float]
    meanwhile: list[float]


async def compare_reconnects(modes: tuple[Mode, ...]) -> None:
    say(f"{SOCKETS} sockets that resume {TURNS} running turns at once: s until they have caught up")
    crowds = [await crowd(mode) for mode in modes]
    for mode, each in zip(modes, crowds, strict=True):
        say(row(mode, each, crowds[0]))


def row(mode: Mode, crowd: Crowd, memory: Crowd) -> str:
    half, last = percentile(crowd.seconds, 0.5), max(crowd.seconds)
    calm, meanwhile = (
        f"{percentile(values, 0.5):6.1f} {percentile(values, 0.99):6.1f}"
        for values in (crowd.calm, crowd.meanwhile)
    )
    return (
        f"{mode.name:21} half {half:5.2f} s, all {last:5.2f} s"
        f" ({last / max(memory.seconds):4.2f} x), {crowd.failures} attempts failed;"
        f" ms of {OTHERS} other streams p50 p99: before {calm}, meanwhile {meanwhile}"
    )


async def crowd(mode: Mode) -> Crowd:
    running = await asyncio.gather(*(half_told(mode) for _ in range(TURNS)))
    others = await asyncio.gather(*(other_stream(mode) for _ in range(OTHERS)))
    await asyncio.sleep(CALM_SECONDS)
    back = await come_back([returning(mode, running[i % TURNS]) for i in range(SOCKETS)])
    began, ended = back.began_at, max(back.caught_up_at)
    delays = [each for reader, other in others for each in reader.delays(other.turn)]
    for reader, _ in others:
        await reader.close()
    await asyncio.gather(*(stop(mode, each) for each in [*running, *(run for _, run in others)]))
    return Crowd(
        seconds=[(moment - began) / 1e9 for moment in back.caught_up_at],
        failures=back.failures,
        calm=[delay for sent, delay in delays if sent < began],
        meanwhile=[delay for sent, delay in delays if began <= sent < ended],
    )


async def half_told(mode: Mode) -> Running:
    """So many pieces at once, and then hardly any more."""
    visitor = await Visitor.arrive(mode.owner)
    asking = await WireReader.of(visitor, mode.owner)
    accepted = await asking.ask(question(pieces=2 * TOLD, pace=2, after=0, quick=TOLD))
    events = await asking.told(accepted["turn"], TOLD)
    await asking.close()
    return running_of(visitor, accepted, events)


def running_of(visitor: Visitor, accepted: Frame, events: int = 0) -> Running:
    conversation, turn = accepted["conversation"], accepted["turn"]
    return Running(visitor=visitor, conversation=conversation, turn=turn, events=events)


async def other_stream(mode: Mode) -> tuple[WireReader, Running]:
    visitor = await Visitor.arrive(mode.owner)
    reader = await WireReader.of(visitor, mode.reader)
    accepted = await begin(visitor, mode, reader, question(pieces=3000, pace=0.02, after=0.5))
    await reader.frame('"type":"text"', accepted["turn"])
    return reader, running_of(visitor, accepted)


def returning(mode: Mode, running: Running) -> Returning:
    return Returning(
        url=mode.reader.url,
        socket_url=mode.reader.socket_url,
        cookie=running.visitor.cookie,
        conversation=running.conversation,
        turn=running.turn,
        known=running.events // 3,
        events=running.events,
    )


async def stop(mode: Mode, running: Running) -> None:
    """Returns once that was obeyed."""
    reader = await WireReader.of(running.visitor, mode.owner)
    await reader.say(type="stop", turn=running.turn)
    marker = new_id()
    await reader.say(type="notify", id=marker, message=new_id(), wanted=True)
    await reader.frame('"type":"error"', marker)
    await reader.close()
