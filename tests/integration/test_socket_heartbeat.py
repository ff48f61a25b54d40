"""Ping and pong: who lives, and how much is under way to him."""

import asyncio

from tests.chat_client import ChatClient, Visitor
from tests.conftest import Model
from tests.openai_script import Answer
from tests.uvicorn_server import EVERY_SERVER

pytestmark = EVERY_SERVER

PING_BYTES = 64 * 1024
WINDOW_BYTES = 256 * 1024
FRAME_BYTES = 20 * 1024
LONG_REPLY = "A quiet corner helps. " * (WINDOW_BYTES // 12)


async def test_idle_client_that_answers_stays_and_one_that_does_not_is_sent_away(
    alice: Visitor,
) -> None:
    async with ChatClient(alice) as awake, ChatClient(alice, pongs=False) as asleep:
        code = await asleep.close_code()
        seen = len(awake.all_of("ping"))
        await awake.until(lambda: len(awake.all_of("ping")) > seen + 1)

    assert code == 4000
    assert asleep.frames[-1]["type"] == "bye"
    assert asleep.frames[-1]["code"] == "idle"
    assert not awake.all_of("bye")
    numbers = [ping["k"] for ping in awake.all_of("ping")]
    assert numbers == sorted(set(numbers))


async def test_reader_who_acknowledges_gets_a_long_reply_with_pings_in_it(
    alice: Visitor, model: Model
) -> None:
    model.script(Answer(LONG_REPLY, pieces=100))

    async with ChatClient(alice) as client:
        ended = await client.ask("Tell me everything there is.")

    assert client.text_of(ended["turn"]) == LONG_REPLY
    assert len(client.all_of("ping")) >= len(LONG_REPLY) // PING_BYTES


async def test_reader_who_acknowledges_nothing_is_sent_no_more_than_the_window(
    alice: Visitor, model: Model
) -> None:
    model.script(Answer(LONG_REPLY, pieces=100))
    async with ChatClient(alice, pongs=False) as client:
        accepted = await client.send("Tell me more than I can take.")
        await client.until(lambda: client.bytes_received > WINDOW_BYTES - FRAME_BYTES)
        await alice.finished(accepted["message"])
        sent = client.bytes_received

        await client.say({"type": "pong", "k": client.all_of("ping")[-1]["k"]})
        client.pongs = True
        await client.end_of(accepted["turn"])

    assert sent <= WINDOW_BYTES + FRAME_BYTES
    assert client.text_of(accepted["turn"]) == LONG_REPLY


async def test_conversations_do_not_wait_for_a_reader_who_acknowledges_nothing(
    alice: Visitor, bob: Visitor, model: Model
) -> None:
    model.script(Answer(LONG_REPLY, pieces=100))
    async with ChatClient(alice, pongs=False) as stuck, ChatClient(bob) as client:
        await stuck.send("Fill my line to the brim.")
        await stuck.until(lambda: stuck.bytes_received > WINDOW_BYTES - PING_BYTES)

        async with asyncio.timeout(5):
            ended = await client.ask("Do I have to wait for others?")

    assert ended["status"] == "done"
