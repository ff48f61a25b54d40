"""Sockets of clients that mean harm. The ids are those of the list of hostile input."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping

import psutil
import pytest

from tests.chat_client import ChatClient, Visitor, new_id
from tests.conftest import Model
from tests.latch import Latch
from tests.openai_script import Answer
from tests.raw_socket import BINARY, DROPPED, PING, TEXT, RawSocket, frame, header
from tests.serving import ChatServer
from tests.unharmed import unharmed
from tests.uvicorn_server import EVERY_SERVER

pytestmark = EVERY_SERVER

LARGEST_FRAME = 16_384
MEGABYTE = 1024 * 1024
AT_ONCE = 100
"""Frames that a socket may send at once."""
PROTOCOL_ERRORS = {1002, 1007, 1009, DROPPED}
PONG = frame(b'{"type":"pong","k":7}')
IDLE_PERCENT = 30


@pytest.fixture(autouse=True)
async def standing_facts(model_server: ChatServer) -> AsyncIterator[None]:
    async with unharmed(model_server):
        yield


async def idle_after(server: ChatServer, seconds: float) -> bool:
    """Whether the process has nothing to do any more, within so many seconds."""
    process = psutil.Process(server.pid)
    deadline = time.monotonic() + seconds
    process.cpu_percent()
    while time.monotonic() < deadline:
        if await asyncio.to_thread(process.cpu_percent, 0.25) < IDLE_PERCENT:
            return True
    return False


async def test_t01_flood_of_large_frames_is_ended_while_a_reply_is_written(
    alice: Visitor, model: Model
) -> None:
    gate = Latch()
    model.script(Answer("Never mind them, I go on.", gate=gate, gate_after=2))
    async with ChatClient(alice) as client, RawSocket(alice.server) as mallory:
        accepted = await client.send("Can you write in all this noise?")
        await mallory.send(frame(b"x" * LARGEST_FRAME) * 600)
        code = await mallory.close_code()
        gate.open()
        ended = await client.end_of(accepted["turn"])

    assert code == 4500
    assert len(mallory.all_of("error")) <= 20
    assert ended["status"] == "done"


async def test_t01_frame_beyond_the_limit_ends_the_connection_before_it_has_come(
    model_server: ChatServer,
) -> None:
    async with RawSocket(model_server) as mallory:
        sending = asyncio.create_task(mallory.send(frame(b"x" * MEGABYTE) * 8))
        code = await mallory.close_code()
        await sending

    assert code in {1009, DROPPED}


async def test_t02_larger_frame_ends_the_connection(model_server: ChatServer) -> None:
    async with RawSocket(model_server) as mallory:
        await mallory.send(frame(b"{}".ljust(LARGEST_FRAME + 1)))

        assert await mallory.close_code() in {1009, DROPPED}


async def test_t02_largest_frame_is_obeyed(alice: Visitor) -> None:
    command = json.dumps({"type": "subscribe", "conversation": new_id()})

    async with ChatClient(alice) as client:
        code = await client.error(command.ljust(LARGEST_FRAME))

    assert code == "not_found"


async def test_t03_header_that_promises_a_terabyte_ends_the_connection(
    model_server: ChatServer,
) -> None:
    async with RawSocket(model_server) as mallory:
        await mallory.send(header(2**40) + b"x")

        assert await mallory.close_code() in PROTOCOL_ERRORS


async def test_t04_message_that_never_ends_is_idleness(model_server: ChatServer) -> None:
    """Three pings, each a second after the other here; each 20 seconds by default."""
    async with RawSocket(model_server) as mallory:
        await mallory.send(frame(b"{", fin=False))
        began = time.monotonic()
        code = await mallory.close_code()

    assert code == 4000
    assert time.monotonic() - began < 5
    assert mallory.frames[-1]["code"] == "idle"


async def test_t05_flood_of_tiny_frames_is_told_once_and_ended(model_server: ChatServer) -> None:
    async with RawSocket(model_server) as mallory:
        await mallory.until("welcome")
        sending = asyncio.create_task(mallory.send(PONG * 200_000))
        code = await mallory.close_code()
        await sending

        assert await idle_after(model_server, 5)
    (error,) = mallory.all_of("error")
    assert (code, error["code"]) == (4002, "rate_limited")
    assert 0 < error["retry_ms"] <= 1000
    assert mallory.frames[-1]["code"] == "rate"


async def test_t05_what_came_before_the_limit_is_obeyed(model_server: ChatServer) -> None:
    subscribe = json.dumps({"type": "subscribe", "conversation": new_id()}).encode()
    async with RawSocket(model_server) as mallory:
        await mallory.until("welcome")
        await mallory.send(frame(subscribe) * (AT_ONCE * 5))
        code = await mallory.close_code()

    *obeyed, last = [error["code"] for error in mallory.all_of("error")]
    assert code == 4002
    assert AT_ONCE <= len(obeyed) < AT_ONCE * 5
    assert set(obeyed) == {"not_found"}
    assert last == "rate_limited"


async def test_t07_reader_of_nothing_who_asks_for_history_is_slow(
    alice: Visitor, model: Model
) -> None:
    model.script(Answer("A quiet corner helps. " * 4_000))
    async with ChatClient(alice) as client:
        ended = await client.ask("Tell me a lot.")
        talk = client.conversation_of(ended["turn"])

    async with RawSocket(alice.server, visitor=alice, receive_buffer=4096) as mallory:
        command = json.dumps({"type": "subscribe", "conversation": talk}).encode()
        await mallory.send(frame(command) * 50)
        await asyncio.sleep(1)  # time for the window to fill: there is nothing to see of it
        await mallory.send(frame(command) * 450)
        code = await mallory.close_code()

    assert code == 4001
    assert mallory.received < 4 * MEGABYTE


VIOLATIONS: Mapping[str, bytes] = {
    "ping of 126 bytes": frame(b"x" * 126, opcode=PING),
    "fragmented ping": frame(b"x", opcode=PING, fin=False),
    "reserved bits": frame(b"{}", rsv=4),
    "unmasked": frame(b"{}", masked=False),
    "opcode 11": frame(b"x", opcode=0xB),
    "opcode 3": frame(b"x", opcode=3),
    "continuation of nothing": frame(b"x", opcode=0),
    "message within a message": frame(b"{", fin=False) + frame(b"{}", opcode=TEXT),
}


@pytest.mark.parametrize("violation", VIOLATIONS.values(), ids=VIOLATIONS.keys())
async def test_t09_violation_of_the_websocket_protocol_ends_the_connection(
    model_server: ChatServer, violation: bytes
) -> None:
    for _ in range(50):
        async with RawSocket(model_server) as mallory:
            await mallory.send(violation)

            assert await mallory.close_code() in PROTOCOL_ERRORS


async def test_t11_flood_of_binary_frames_is_a_flood_of_bad_ones(model_server: ChatServer) -> None:
    async with RawSocket(model_server) as mallory:
        await mallory.send(frame(b"\x00", opcode=BINARY) * 1_000)
        code = await mallory.close_code()

    assert code == 4500
    assert {error["code"] for error in mallory.all_of("error")} == {"binary_unsupported"}
