"""POST /api/chat and GET /api/turns/<id>/events: all that a socket can, for clients without one."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from tests.chat_client import ChatClient, Visitor, new_id, send_command
from tests.conftest import Model
from tests.databases import rows
from tests.event_client import EventClient, Told, events_path, reply_of
from tests.latch import Latch
from tests.openai_script import Answer
from tests.uvicorn_server import EVERY_SERVER

REPLY = "Pad the wall. Stay calm.\n\nThen show him signs."
SOON_SECONDS = 5


@pytest.fixture
async def client(alice: Visitor) -> AsyncIterator[EventClient]:
    async with EventClient.of(alice) as client:
        yield client


async def until_text(stream: AsyncGenerator[Told, None]) -> list[Told]:
    """What was told until the first piece of the reply's text, but for comments."""
    told: list[Told] = []
    while not told or told[-1].kind != "text":
        each = await anext(stream)
        told += [] if each.comment else [each]
    return told


# --- Asking and reading


async def test_question_is_accepted_and_its_reply_read_to_the_end(
    client: EventClient, model: Model
) -> None:
    model.script(Answer(REPLY, pieces=8))
    command = send_command("What helps when he bangs his head?")

    response = await client.say(command)
    told = await client.told(response.json()["turn"])

    accepted = response.json()
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert (accepted["type"], accepted["id"], accepted["duplicate"]) == (
        "accepted",
        command["id"],
        False,
    )
    assert reply_of(told).text == REPLY
    assert told[-1].kind == "end"
    assert [each.id for each in told] == [each.frame["cursor"] for each in told]
    assert [each.kind for each in told] == [each.frame["type"] for each in told]


async def test_stream_says_what_proxies_and_caches_have_to_know(client: EventClient) -> None:
    accepted = await client.send("How do you say it?")

    response = await client.events(accepted["turn"])

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.text.startswith("retry: 1000\n\n")


async def test_reply_comes_with_the_question_where_a_stream_is_wanted(
    client: EventClient, model: Model
) -> None:
    model.script(Answer(REPLY))

    async with client.asking(send_command("Can I have it at once?")) as stream:
        first, *told = [each async for each in stream]

    assert (first.kind, first.id, first.frame["type"]) == ("accepted", None, "accepted")
    assert reply_of(told).text == REPLY


@EVERY_SERVER
async def test_reply_is_told_while_it_is_written_to_all_who_read(
    client: EventClient, alice: Visitor, model: Model
) -> None:
    gate = Latch()
    model.script(Answer(REPLY, pieces=8, gate=gate, gate_after=4))
    accepted = await client.send("Who may listen to this?")
    turn = accepted["turn"]

    async with client.following(turn) as one, ChatClient(alice) as socket:
        early = await until_text(one)
        await socket.subscribe(accepted["conversation"])
        await socket.frame("sync")  # or the turn might have ended before it is asked for
        held = not gate.is_open()
        gate.open()
        told = [*early, *[each async for each in one]]
        await socket.end_of(turn)

    assert held
    assert reply_of(told).text == socket.text_of(turn) == REPLY


async def test_silence_is_filled_with_comments(client: EventClient, model: Model) -> None:
    gate = Latch()
    model.script(Answer(REPLY, gate=gate))
    accepted = await client.send("Take your time, please.")

    async with client.following(accepted["turn"]) as stream:
        async for each in stream:
            if each.comment:
                break
        gate.open()
        rest = [each async for each in stream if not each.comment]

    assert rest[-1].kind == "end"


# --- Coming back


@EVERY_SERVER
async def test_reader_who_returns_gets_only_what_is_new_and_as_the_socket_says_it(
    client: EventClient, alice: Visitor, model: Model
) -> None:
    model.script(Answer(REPLY, pieces=8))
    accepted = await client.send("What did I miss meanwhile?")
    turn = accepted["turn"]
    whole = await client.told(turn)

    talk = accepted["conversation"]
    for position, seen in enumerate(whole[:-1]):
        rest = await client.told(turn, seen.id)
        async with ChatClient(alice) as socket:
            socket.remember(talk, [each.frame for each in whole[: position + 1]])
            await socket.subscribe(talk)
            await socket.end_of(turn)

        assert rest == whole[position + 1 :]
        said = [json.dumps(f, ensure_ascii=False, separators=(",", ":")) for f in socket.frames]
        assert [each.data for each in rest] == [f for f in said if '"cursor"' in f]


async def test_reader_who_was_cut_off_goes_on_while_the_reply_is_written(
    client: EventClient, model: Model
) -> None:
    gate = Latch()
    model.script(Answer(REPLY, pieces=8, gate=gate, gate_after=4))
    accepted = await client.send("Cut me off in the middle.")
    async with client.following(accepted["turn"]) as stream:
        early = await until_text(stream)

    gate.open()
    rest = await client.told(accepted["turn"], early[-1].id)

    assert rest[0].frame["after"] == early[-1].id
    assert reply_of([*early, *rest]).text == REPLY
    assert len(model.requests) == 1


async def test_place_can_be_named_in_the_address_too(client: EventClient) -> None:
    accepted = await client.send("Where was I just now?")
    whole = await client.told(accepted["turn"])

    response = await client.events(accepted["turn"], query=f"?cursor={whole[0].id}")

    assert [line for line in response.text.splitlines() if line.startswith("id:")] == [
        f"id: {each.id}" for each in whole[1:]
    ]


async def test_nothing_can_follow_the_end(client: EventClient) -> None:
    accepted = await client.send("Is there any more of it?")
    whole = await client.told(accepted["turn"])

    response = await client.events(accepted["turn"], headers={"Last-Event-ID": str(whole[-1].id)})

    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("cursor", ["9-1", "1-999", "x", "1", "-1-2", "1-2-3", "1-٣", "1-2 "])
async def test_place_that_the_turn_does_not_have_is_refused(
    client: EventClient, cursor: str
) -> None:
    accepted = await client.send("How far are we with it?")
    await client.told(accepted["turn"])

    response = await client.http.get(events_path(accepted["turn"]), params={"cursor": cursor})

    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_cursor")


async def test_reader_who_leaves_is_let_go(client: EventClient, model: Model) -> None:
    gate = Latch()
    model.script(Answer(REPLY, gate=gate))
    accepted = await client.send("I leave before you answer.")
    before = await open_streams(client)

    async with client.following(accepted["turn"]) as stream:
        await anext(stream)
        during = await open_streams(client)
    async with asyncio.timeout(SOON_SECONDS):
        while await open_streams(client) > before:
            await asyncio.sleep(0.02)
    gate.open()

    assert during == before + 1
    assert reply_of(await client.told(accepted["turn"])).text == REPLY


async def open_streams(client: EventClient) -> float:
    metrics = (await client.http.get("/metrics")).text.splitlines()
    return float(next(m for m in metrics if m.startswith("expertline_sockets_open ")).split()[1])


async def test_long_reply_comes_in_several_responses(
    client: EventClient, alice: Visitor, model: Model
) -> None:
    """Nobody acknowledges what is sent over HTTP; who comes back with a cursor has read so far."""
    reply = "Breathe in, breathe out, and count. " * 12_000
    model.script(Answer(reply.strip(), pieces=500, pace=0))
    accepted = await client.send("Tell me a very long story.")
    await alice.finished(accepted["message"])

    told: list[Told] = []
    responses = 0
    while not told or told[-1].kind != "end":
        part = await client.told(accepted["turn"], told[-1].id if told else None)
        assert sum(len(each.data) for each in part[:-1]) < 512 * 1024
        told += part
        responses += 1

    assert responses > 2
    assert reply_of(told).text == reply.strip()


# --- The other commands


async def test_reply_is_stopped_by_either_name(client: EventClient, model: Model) -> None:
    for name, key in (("turn", "turn"), ("send", "id")):
        model.script(Answer(REPLY, pieces=8, gate=Latch(), gate_after=4))
        accepted = await client.send("Go on until I say stop.")
        async with client.following(accepted["turn"]) as stream:
            await until_text(stream)
            response = await client.say({"type": "stop", name: accepted[key]})
            last = [each async for each in stream][-1]
        again = await client.say({"type": "stop", name: accepted[key]})

        assert (response.status_code, response.content) == (202, b"")
        assert (last.kind, last.frame["status"]) == ("end", "stopped")
        assert again.status_code == 202


async def test_reply_is_asked_for_again(client: EventClient, model: Model) -> None:
    model.script(Answer("The first."), Answer("The second."))
    first = await client.send("Would you say that again?")
    await client.told(first["turn"])

    command = {"type": "regenerate", "id": new_id(), "message": first["message"]}
    response = await client.say(command)
    told = await client.told(response.json()["turn"])
    duplicate = await client.say(command)

    assert reply_of(told).text == "The second."
    assert duplicate.json() == {**response.json(), "duplicate": True}


async def test_notes_about_a_reply_are_taken(client: EventClient, model_database: str) -> None:
    accepted = await client.send("What do you think of me?")
    await client.told(accepted["turn"])
    named = {"id": new_id(), "message": accepted["message"]}

    noted = [
        await client.say({"type": "feedback", "value": "up", **named}),
        await client.say({"type": "notify", "wanted": True, **named}),
    ]

    assert [n.json() for n in noted] == [{"type": "done", "id": named["id"]}] * 2
    stored = """
        SELECT notice_wanted, (SELECT value FROM chat_feedback WHERE message_id = m.id)
        FROM chat_message m WHERE id = %s
    """
    assert rows(model_database, stored, accepted["message"]) == [(True, "up")]


# --- The same id again


async def test_t30_same_message_twice_is_one_message(client: EventClient, model: Model) -> None:
    command = {key: value for key, value in send_command("Only once.").items() if key != "type"}

    one, other = await asyncio.gather(client.say(command), client.say(command))
    told = await client.told(one.json()["turn"])
    async with client.asking(command) as stream:
        first, *again = [each async for each in stream]

    both = [one.json(), other.json()]
    assert sorted(each.pop("duplicate") for each in both) == [False, True]
    assert both[0] == both[1]
    assert first.frame["duplicate"] is True
    assert again == told
    assert len(model.requests) == 1


async def test_same_id_with_another_text_is_refused(client: EventClient) -> None:
    command = send_command("This is what I said.")
    await client.say(command)

    response = await client.say({**command, "text": "This is what I mean."})

    assert (response.status_code, response.json()["error"]["code"]) == (409, "id_conflict")


async def test_second_question_waits_for_the_reply_to_the_first(
    client: EventClient, model: Model
) -> None:
    gate = Latch()
    model.script(Answer(REPLY, gate=gate))
    accepted = await client.send("May I ask two at once?")

    response = await client.say(send_command("x", conversation=accepted["conversation"]))
    gate.open()

    assert (response.status_code, response.json()["error"]["code"]) == (409, "busy")
