"""Two hundred who never read, and what that costs everybody else."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tests.chat_client import ChatClient, Visitor, new_id
from tests.conftest import Model, quiet
from tests.databases import database_url
from tests.latch import Latch
from tests.openai_script import Answer
from tests.openai_server import OpenAIServer
from tests.raw_socket import RawSocket
from tests.serving import ChatServer
from tests.unharmed import GROWTH_BYTES, memory

READERS = 200
STUCK_SECONDS = 15
LONG_REPLY = "安静的角落会有帮助。" * 40_000
"""Of 400,000 characters: 1.2 million bytes, and as many again for its blocks."""
PARAGRAPHS = "孩子撞头的时候先护住头，再看看是什么让他难受。安静的角落会有帮助。\n\n" * 28
REPLIES = 46
"""Of PARAGRAPHS: some 300 kB in frames, if one told them all."""


@pytest.fixture
def patient_server(model_database: str, scripted_server: OpenAIServer) -> Iterator[ChatServer]:
    settings = {
        "DATABASE_URL": database_url(model_database),
        "OPENAI_BASE_URL": scripted_server.base_url,
        "CHAT_MAX_SOCKETS_PER_VISITOR": "300",
        "SOCKET_STUCK_SECONDS": str(STUCK_SECONDS),
        "PING_SECONDS": "20",
        "CHAT_MAX_OUTPUT_TOKENS": "1000000",
    }
    with quiet(ChatServer(settings=settings)) as server:
        yield server


async def test_t07_two_hundred_who_never_read_cost_little_and_nobody_else_waits(
    patient_server: ChatServer, model: Model
) -> None:
    alice = await Visitor.arrive(patient_server)
    async with ChatClient(alice) as client:
        await client.ask("孩子总是撞头怎么办？")  # now everything is loaded
    gate = Latch()
    async with AsyncExitStack() as stack:
        model.script(Answer(LONG_REPLY, pieces=400, gate=gate, gate_after=2))
        reader = await stack.enter_async_context(ChatClient(alice))
        accepted = await reader.send("Hello!")
        before = memory(patient_server)
        stuck = [
            await stack.enter_async_context(
                RawSocket(patient_server, visitor=alice, receive_buffer=4096)
            )
            for _ in range(READERS)
        ]
        for socket in stuck:
            await socket.say({"type": "subscribe", "conversation": accepted["conversation"]})
            await socket.until("sync")  # the last thing that it reads

        gate.open()
        async with asyncio.timeout(STUCK_SECONDS):  # nobody has been sent away yet
            ended = await reader.end_of(accepted["turn"])
        grown = memory(patient_server) - before
        codes = await asyncio.gather(*(socket.close_code(60) for socket in stuck))

        async with ChatClient(alice) as returned:
            turn = {"id": accepted["turn"], "cursor": "0-0"}
            await returned.subscribe(accepted["conversation"], turn=turn)
            await returned.end_of(accepted["turn"])

    assert ended["length"] == len(LONG_REPLY)
    assert grown < GROWTH_BYTES
    assert set(codes) == {4001}
    assert returned.text_of(accepted["turn"]) == LONG_REPLY


async def test_two_hundred_who_ask_for_a_long_history_and_never_read_cost_little(
    patient_server: ChatServer, model: Model
) -> None:
    alice = await Visitor.arrive(patient_server)
    model.script(*[Answer(PARAGRAPHS, pieces=2, pace=0)] * REPLIES)
    async with ChatClient(alice) as writer, AsyncExitStack() as stack:
        history = new_id()
        for number in range(REPLIES):
            await writer.ask(f"Tell me the {number + 1}. thing about it.", conversation=history)
        before = memory(patient_server)
        stuck = [
            await stack.enter_async_context(
                RawSocket(patient_server, visitor=alice, receive_buffer=4096)
            )
            for _ in range(READERS)
        ]
        for socket in stuck:
            await socket.say({"type": "subscribe", "conversation": history})

        async with ChatClient(alice) as reader:  # all those are before it in the database's queue
            await reader.subscribe(history)
            async with asyncio.timeout(STUCK_SECONDS):
                await reader.frame("sync")
        grown = memory(patient_server) - before

    assert grown < GROWTH_BYTES
