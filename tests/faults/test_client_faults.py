"""Clients that lose their connection, repeat themselves, or are two at once."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from tests.chat_client import ChatClient, new_id, send_command
from tests.chat_reply import Frame
from tests.faults.asking import begin_half_told, calls_about
from tests.faults.cluster import Cluster
from tests.faults.observer import assert_standing
from tests.faults.provider import PIECES
from tests.faults.proxy import Direction

STATUS = "SELECT status FROM chat_turn WHERE id = %s"


async def test_fault_01_reader_who_resumes_at_another_process_gets_only_what_is_missing(
    pair: Cluster,
) -> None:
    async with pair.client(await pair.visitor(), 0) as client:
        accepted, gate = await begin_half_told(pair, client, "The fox")

        await client.vanish()
        gate.open()
        await client.connect(pair.servers[1])
        await client.end_of(accepted["turn"])

        await assert_standing(pair, client)
    assert client.repeats == 0
    assert len(calls_about(pair, "The fox")) == 1


async def test_fault_01_reader_of_a_peer_is_told_while_the_reply_is_written(pair: Cluster) -> None:
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as reader:
        accepted, gate = await begin_half_told(pair, client, "The owl")

        await reader.subscribe(accepted["conversation"])
        told = client.text_of(accepted["turn"])
        await reader.until(lambda: reader.text_of(accepted["turn"]).startswith(told))
        gate.open()

        await assert_standing(pair, client, reader)
    assert (client.repeats, reader.repeats) == (0, 0)


async def test_fault_02_connection_cut_after_any_frame_costs_nothing(cluster: Cluster) -> None:
    clients = [cluster.client(await cluster.visitor()) for _ in range(PIECES)]

    async def cut_after(frames: int, client: ChatClient) -> None:
        async with client:
            turn = (await client.send(f"The hare {frames}"))["turn"]
            await client.until(
                lambda: len(client.frames_of(turn)) >= frames or client.reply(turn).end
            )
            await client.vanish()
            await client.connect(cluster.servers[-1])
            await client.end_of(turn)

    await asyncio.gather(*(cut_after(*each) for each in enumerate(clients)))

    await assert_standing(cluster, *clients)
    assert [client.repeats for client in clients] == [0] * PIECES
    assert all(len(calls_about(cluster, f"The hare {n}")) == 1 for n in range(PIECES))


@pytest.mark.parametrize("many", [700, 1500, 3000])
async def test_fault_02_connection_cut_after_some_bytes_costs_nothing(
    cluster: Cluster, many: int
) -> None:
    with cluster.door(0) as door:
        async with ChatClient(await cluster.visitor(), entrance=door) as client:
            cut = door.proxy.trap(after_bytes=many)
            await client.say(client.note_unaccepted(send_command("The hen")))
            await cut.wait()

            await client.vanish()
            await client.connect(cluster.servers[-1])

            await assert_standing(cluster, client)
    assert client.repeats == 0


@pytest.mark.parametrize(
    ("lost", "duplicate"), [(("up", b""), False), (("down", b'"accepted"'), True)]
)
async def test_fault_03_message_whose_acceptance_was_lost_is_stored_once(
    cluster: Cluster, lost: tuple[Direction, bytes], *, duplicate: bool
) -> None:
    question = f"The wolf {new_id()}"
    with cluster.door(0) as door:
        async with ChatClient(await cluster.visitor(), entrance=door) as client:
            cut = door.proxy.trap(lost)
            command = client.note_unaccepted(send_command(question))
            await client.say(command)
            await cut.wait()

            await client.vanish()
            await client.connect(cluster.servers[-1])
            accepted = await client.frame("accepted", id=command["id"])

            await assert_standing(cluster, client)
    assert accepted["duplicate"] is duplicate
    assert len(calls_about(cluster, question)) == 1


async def test_fault_04_same_message_from_two_tabs_at_once_is_stored_once(
    cluster: Cluster,
) -> None:
    alice = await cluster.visitor()
    async with cluster.client(alice, 0) as first, cluster.client(alice, -1) as second:
        command = send_command("The twins")

        for client in (first, second):
            client.note_unaccepted(command)
        await asyncio.gather(first.say(command), second.say(command))
        accepted = [await client.frame("accepted") for client in (first, second)]

        await assert_standing(cluster, first, second)
    assert sorted(frame["duplicate"] for frame in accepted) == [False, True]
    assert len(calls_about(cluster, "The twins")) == 1


async def test_fault_04_id_that_was_used_for_another_text_is_refused(cluster: Cluster) -> None:
    alice = await cluster.visitor()
    async with cluster.client(alice, 0) as first, cluster.client(alice, -1) as second:
        accepted = await first.send("The bear")

        code = await second.error(
            send_command("The cub", conversation=accepted["conversation"], id=accepted["id"])
        )

        await assert_standing(cluster, first)
    assert code == "id_conflict"


async def test_fault_05_of_two_messages_at_once_one_is_taken_and_both_tabs_see_it(
    cluster: Cluster,
) -> None:
    alice = await cluster.visitor()
    async with cluster.tab(alice, 0) as first, cluster.tab(alice, -1) as second:
        await first.ask("The first day")
        (talk,) = first.conversations
        await second.subscribe(talk)
        await second.frame("sync")

        one, other = (send_command(f"The {pet}", conversation=talk) for pet in ("cat", "dog"))
        first.note_unaccepted(one)
        second.note_unaccepted(other)
        await asyncio.gather(first.say(one), second.say(other))
        taken = await answer_to(first, one) or await answer_to(second, other)
        assert taken
        for client in (first, second):
            await client.end_of(taken)

        await assert_standing(cluster, first, second)
    busy = [*first.all_of("error"), *second.all_of("error")]
    assert [frame["code"] for frame in busy] == ["busy"]


async def test_fault_32_client_of_another_version_is_told_and_sent_away(pair: Cluster) -> None:
    server = pair.servers[0]
    async with connect(
        server.socket_url, origin=Origin(server.url), subprotocols=[Subprotocol("chat.v2")]
    ) as socket:
        error = json.loads(await socket.recv())
        await socket.wait_closed()

    assert (error["type"], error["code"], socket.close_code) == ("error", "version", 4506)


async def test_fault_32_field_that_the_server_does_not_know_is_refused_and_costs_nothing(
    pair: Cluster,
) -> None:
    async with pair.client(await pair.visitor()) as client:
        accepted, gate = await begin_half_told(pair, client, "The emu")
        code = await client.error({"type": "stop", "turn": accepted["turn"], "gently": True})
        gate.open()

        await assert_standing(pair, client)
    assert code == "unknown_field"


async def test_fault_33_session_that_ends_closes_its_sockets_and_not_its_turn(
    pair: Cluster,
) -> None:
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client:
        accepted, gate = await begin_half_told(pair, client, "The ostrich")

        pair.end_session(alice)
        code = await client.close_code()
        gate.open()
        async with asyncio.timeout(20):
            while pair.rows(STATUS, accepted["turn"]) != [("done",)]:
                await asyncio.sleep(0.05)
    assert code == 4501


async def answer_to(client: ChatClient, command: Frame) -> str:
    """The turn that the message began; nothing if it was refused."""
    await client.until(
        lambda: (
            client.all_of("accepted", id=command["id"]) or client.all_of("error", id=command["id"])
        )
    )
    return "".join(frame["turn"] for frame in client.all_of("accepted", id=command["id"]))
