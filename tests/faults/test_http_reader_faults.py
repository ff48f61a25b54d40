"""Readers of server-sent events, while processes are killed, restarted or drained."""

import asyncio
from collections.abc import AsyncGenerator

from tests.chat_client import send_command
from tests.event_client import EventClient, Told, reply_of
from tests.faults.cluster import Cluster
from tests.faults.provider import story
from tests.latch import Latch
from tests.openai_script import Answer

STORY = story("The heron", sentences=30)


async def until_text(stream: AsyncGenerator[Told, None]) -> list[Told]:
    told: list[Told] = []
    while not told or told[-1].kind != "text":
        each = await anext(stream)
        told += [] if each.comment else [each]
    return told


async def test_reader_goes_on_at_another_process(pair: Cluster) -> None:
    gate = Latch()
    pair.provider.script(Answer(STORY, pieces=24, pace=0, gate=gate, gate_after=12))
    alice = await pair.visitor()
    async with EventClient.of(alice) as here, EventClient.of(alice, pair.servers[1]) as there:
        accepted = await here.send("The heron")
        async with here.following(accepted["turn"]) as stream:
            early = await until_text(stream)

        async with there.following(accepted["turn"], early[-1].id) as stream:
            gate.open()
            rest = [each async for each in stream if not each.comment]

        whole = await here.told(accepted["turn"])
    assert rest[0].frame["after"] == early[-1].id
    assert reply_of([*early, *rest]).text == reply_of(whole).text
    assert pair.rows("SELECT text FROM chat_message WHERE id = %s", accepted["message"]) == [
        (reply_of(whole).text,)
    ]


async def test_reader_is_told_what_a_killed_process_leaves_to_its_peer(pair: Cluster) -> None:
    pair.provider.script(Answer(STORY, pieces=24, pace=0, gate=Latch(), gate_after=12))
    alice = await pair.visitor()
    async with EventClient.of(alice) as here, EventClient.of(alice, pair.servers[1]) as there:
        accepted = await here.send("The heron")
        async with there.following(accepted["turn"]) as stream:
            early = await until_text(stream)
            pair.servers[0].kill()
            rest = [each async for each in stream if not each.comment]

    kinds = [each.frame["event"]["kind"] for each in rest if each.kind == "event"]
    assert "restarted" in kinds
    assert reply_of([*early, *rest]).cursor[0] == 2


async def test_reply_whose_log_is_gone_is_told_from_storage(single: Cluster) -> None:
    alice = await single.visitor()
    async with EventClient.of(alice) as client:
        accepted = await client.send("The heron")
        whole = await client.told(accepted["turn"])
    single.restart(0)

    async with EventClient.of(alice) as client:
        told = await client.told(accepted["turn"], whole[1].id)
        again = await client.told(accepted["turn"], told[0].id)

    assert [each.kind for each in told] == ["snapshot", "end"]
    assert [each.id for each in told] == [whole[-2].id, whole[-1].id]
    assert reply_of(told).text == reply_of(whole).text
    assert again == told[1:]


async def test_stream_outlives_a_drain_and_nothing_new_is_asked(single: Cluster) -> None:
    gate = Latch()
    single.provider.script(Answer(STORY, pieces=24, pace=0, gate=gate, gate_after=12))
    alice = await single.visitor()
    async with EventClient.of(alice) as client:
        accepted = await client.send("The heron")
        async with client.following(accepted["turn"]) as stream:
            early = await until_text(stream)
            await client.http.get("/healthz")  # a connection that is there when no new one can be
            single.servers[0].terminate()
            refused = await until_refused(client)
            gate.open()
            rest = [each async for each in stream if not each.comment]
    code = await asyncio.to_thread(single.servers[0].wait)

    assert (refused[0], refused[1], code) == (503, "draining", 0)
    assert rest[-1].kind == "end"
    assert reply_of([*early, *rest]).text.endswith("has part 30.")


async def until_refused(client: EventClient) -> tuple[int, str]:
    """Status and code of the first question that is not taken any more."""
    while (response := await client.say(send_command("The crane"))).status_code == 200:
        pass
    return response.status_code, str(response.json()["error"]["code"])
