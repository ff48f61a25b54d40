"""How long readers wait when the process that writes their reply is killed."""

import asyncio
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.delivery_stage import Mode, Stage, percentile, say
from bench.delivery_streams import begin
from bench.stamping_provider import question
from bench.wire_reader import WireReader
from tests.chat_client import Visitor
from tests.serving import ChatServer

KILLS = 10
LEASE_SECONDS = 3
PIECES, PACE_SECONDS = 50, 0.02
TELLING_SECONDS = PIECES * PACE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """Seconds from the kill until the reader was told so, and until the reply's end."""

    restarted: float
    ended: float


async def measure_takeovers(stage: Stage) -> None:
    say(
        f"{KILLS} owners killed, with a lease of {LEASE_SECONDS} s:"
        f" leases until the reader is told, and until a reply of {TELLING_SECONDS:.0f} s has ended"
    )
    lease = {"TURN_LEASE_SECONDS": str(LEASE_SECONDS)}
    with stage.serving(2, redis=True, **lease) as servers:
        takeovers = [await killed(servers, number) for number in range(KILLS)]
    say(row("restarted", [each.restarted for each in takeovers]))
    say(row("end", [each.ended for each in takeovers]))
    say(row("end, without telling", [each.ended - TELLING_SECONDS for each in takeovers]))


def row(name: str, seconds: list[float]) -> str:
    leases = [each / LEASE_SECONDS for each in seconds]
    return (
        f"{name:21} least {min(leases):4.2f}, half {percentile(leases, 0.5):4.2f},"
        f" most {max(leases):4.2f} leases"
    )


async def killed(servers: list[ChatServer], number: int) -> Takeover:
    """The processes take turns at being killed."""
    owner, heir = servers[number % 2], servers[1 - number % 2]
    visitor = await Visitor.arrive(heir)
    reader = await WireReader.of(visitor, heir)
    mode = Mode(name="", owner=owner, reader=heir)
    text = question(pieces=PIECES, pace=PACE_SECONDS, after=0)
    turn = (await begin(visitor, mode, reader, text))["turn"]
    await reader.frame('"type":"text"', turn)
    await asyncio.sleep(random.uniform(0, LEASE_SECONDS / 5))  # noqa: S311  (anywhere in a beat)
    died = time.monotonic_ns()
    owner.kill()
    restarted, _ = await reader.frame('"kind":"restarted"', turn)
    ended, _ = await reader.frame('"type":"end"', turn)
    await reader.close()
    with ThreadPoolExecutor() as threads:
        await asyncio.wrap_future(threads.submit(owner.start))
    return Takeover(restarted=(restarted - died) / 1e9, ended=(ended - died) / 1e9)
