"""Stopping a reply: what is there stays, and the provider is let go at once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.chat_client import ChatClient, Visitor, new_id, send_command
from tests.chat_reply import Frame
from tests.conftest import Model
from tests.latch import Latch
from tests.openai_script import Answer, Stall
from tests.openai_server import Received

SOON_SECONDS = 1
WINDOW_BYTES = 256 * 1024
FRAME_BYTES = 20 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A reply that hangs after its first two words."""

    client: ChatClient
    accepted: Frame
    request: Received


@pytest.fixture
async def telling(alice: Visitor, model: Model) -> AsyncIterator[Telling]:
    model.script(Answer("Once upon a time, and so on.", pieces=14, gate=Latch(), gate_after=4))
    async with ChatClient(alice) as client:
        accepted = await client.send("Tell me a very long story.")
        await client.until(lambda: client.text_of(accepted["turn"]) == "Once upo")
        yield Telling(client=client, accepted=accepted, request=await model.request(1))


async def test_t81_stop_keeps_the_text_and_lets_the_provider_go(
    telling: Telling, alice: Visitor
) -> None:
    await telling.client.say({"type": "stop", "turn": telling.accepted["turn"]})

    async with asyncio.timeout(SOON_SECONDS):
        await telling.request.disconnected.wait()
    ended = await telling.client.end_of(telling.accepted["turn"])
    stored = await alice.finished(telling.accepted["message"])
    assert (ended["status"], ended["error"]) == ("stopped", None)
    assert (stored["status"], stored["text"]) == ("stopped", "Once upo")


async def test_stop_by_the_id_of_the_message(telling: Telling) -> None:
    await telling.client.say({"type": "stop", "send": telling.accepted["id"]})

    ended = await telling.client.end_of(telling.accepted["turn"])
    assert ended["status"] == "stopped"


async def test_stop_from_another_socket(telling: Telling, alice: Visitor) -> None:
    async with ChatClient(alice) as other:
        await other.say({"type": "stop", "turn": telling.accepted["turn"]})

        ended = await telling.client.end_of(telling.accepted["turn"])

    assert ended["status"] == "stopped"


@pytest.mark.parametrize("_time", range(8))  # a stop meets the turn in another place each time
async def test_stop_in_the_same_breath_as_the_message(
    alice: Visitor, model: Model, _time: int
) -> None:
    model.script(Answer("Never mind.", gate=Latch()))
    command = send_command("No, wait!")
    async with ChatClient(alice) as client:
        await client.say(command)
        await client.say({"type": "stop", "send": command["id"]})
        accepted = await client.frame("accepted")
        ended = await client.end_of(accepted["turn"])

    assert (ended["status"], ended["length"]) == ("stopped", 0)


@pytest.mark.parametrize("headers", [True, False])
async def test_stop_before_the_first_word(alice: Visitor, model: Model, *, headers: bool) -> None:
    model.script(Stall(headers=headers))
    async with ChatClient(alice) as client:
        accepted = await client.send("Are you still thinking?")
        request = await model.request(1)

        await client.say({"type": "stop", "turn": accepted["turn"]})
        ended = await client.end_of(accepted["turn"])

    async with asyncio.timeout(SOON_SECONDS):
        await request.disconnected.wait()
    assert ended["status"] == "stopped"


async def test_stop_twice_is_stop_once(telling: Telling, alice: Visitor) -> None:
    stop = {"type": "stop", "turn": telling.accepted["turn"]}

    await telling.client.say(stop)
    await telling.client.say(stop)
    ended = await telling.client.end_of(telling.accepted["turn"])
    view = await alice.get(f"/api/conversations/{telling.accepted['conversation']}")

    assert view["rev"] == ended["rev"]
    assert not telling.client.all_of("error")


async def test_stop_after_the_end_changes_nothing(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        ended = await client.ask("That was quick, was it not?")
        talk = client.conversation_of(ended["turn"])
        before = await alice.get(f"/api/conversations/{talk}")

        await client.say({"type": "stop", "turn": ended["turn"]})
        code = await client.error({"type": "stop", "turn": new_id()})

    assert code == "not_found"  # the one answer there is: to the second, of a turn never heard of
    assert await alice.get(f"/api/conversations/{talk}") == before


async def test_conversation_goes_on_after_a_stop(telling: Telling) -> None:
    client, talk = telling.client, telling.accepted["conversation"]
    await client.say({"type": "stop", "turn": telling.accepted["turn"]})
    await client.end_of(telling.accepted["turn"])

    ended = await client.ask("Then tell me a short one.", conversation=talk)

    assert ended["status"] == "done"


async def test_stop_is_obeyed_while_a_history_waits_for_the_client_to_read(
    alice: Visitor, model: Model
) -> None:
    long, longer = "Long ago. " * (FRAME_BYTES // 5), "And so on. " * (WINDOW_BYTES // 11)
    model.script(Answer(long, pieces=9), Answer(longer, pieces=99, gate=Latch(), gate_after=98))
    async with ChatClient(alice) as reader:
        history = reader.conversation_of((await reader.ask("Tell me a long story."))["turn"])

    async with ChatClient(alice, pongs=False) as client:
        accepted = await client.send("Tell me more than I can take.")
        await client.until(lambda: client.bytes_received > WINDOW_BYTES - FRAME_BYTES)
        await client.subscribe(history)
        await client.say({"type": "stop", "turn": accepted["turn"]})
        stored = await alice.finished(accepted["message"])

    assert stored["status"] == "stopped"
    assert not client.all_of("sync")
