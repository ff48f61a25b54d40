"""Sockets that come back at once, in a process of their own, so that they keep no other waiting.

`python -m bench.crowd` reads a JSON list of sockets, and prints when each had caught up (in
nanoseconds of the monotonic clock) and how many attempts failed.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bench.wire_reader import Place, WireReader
from tests.chat_reply import Frame

ROOT = Path(__file__).resolve().parent.parent
ATTEMPTS = 10
LOST = (OSError, EOFError, TimeoutError, InvalidHandshake, ConnectionClosed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returning:
    """A socket of a visitor who knows a turn until `known`, while `events` of it were told."""

    url: str
    socket_url: str
    cookie: str
    conversation: str
    turn: str
    known: int
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    began_at: int
    caught_up_at: list[int]
    failures: int


async def come_back(sockets: Sequence[Returning]) -> Returned:
    """In another process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.crowd"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(json.dumps([asdict(each) for each in sockets]).encode())
    return Returned(**json.loads(said))


async def returned(sockets: Sequence[Returning]) -> Returned:
    failures: list[BaseException] = []
    began = time.monotonic_ns()
    back = await asyncio.gather(*(caught_up(each, failures) for each in sockets))
    await asyncio.gather(*(reader.close() for reader, _ in back))
    moments = [moment for _, moment in back]
    return Returned(began_at=began, caught_up_at=moments, failures=len(failures))


async def caught_up(socket: Returning, failures: list[BaseException]) -> tuple[WireReader, int]:
    """Tries again with full jitter, as clients do."""
    for attempt in range(ATTEMPTS):
        try:
            return await resumed(socket)
        except LOST as error:
            failures.append(error)
            await asyncio.sleep(random.uniform(0, min(10, 0.2 * 2**attempt)))  # noqa: S311
    raise RuntimeError("A socket could not come back.")


async def resumed(socket: Returning) -> tuple[WireReader, int]:
    place = Place(url=socket.url, socket_url=socket.socket_url, cookie=socket.cookie)
    reader = await WireReader.open(place)
    turn: Frame = {"id": socket.turn, "cursor": f"1-{socket.known}"}
    await reader.say(type="subscribe", conversation=socket.conversation, rev=1, turn=turn)
    return reader, await reader.reaches(socket.turn, socket.events)


if __name__ == "__main__":
    wanted = [Returning(**each) for each in json.load(sys.stdin)]
    json.dump(asdict(asyncio.run(returned(wanted))), sys.stdout)
