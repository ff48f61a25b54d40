"""Coming back to a conversation: nothing missing, nothing twice."""

import pytest

from tests.chat_client import ChatClient, Visitor, new_id
from tests.conftest import Model
from tests.latch import Latch
from tests.openai_script import Answer

PIECES = ["Pad ", "the wall. ", "Stay ", "calm.\n\n", "Then ", "show ", "him ", "signs."]
REPLY = "".join(PIECES)


def in_pieces(**step: object) -> Answer:
    """The reply in as many pieces; the scripted server cuts evenly, so where does not matter."""
    return Answer(REPLY, pieces=len(PIECES), **step)  # type: ignore[arg-type]


async def test_reader_who_has_nothing_gets_all(alice: Visitor, model: Model) -> None:
    model.script(in_pieces())
    async with ChatClient(alice) as client:
        ended = await client.ask("What helps when he is angry?")
        accepted = await client.frame("accepted")

    async with ChatClient(alice) as newcomer:
        await newcomer.subscribe(accepted["conversation"])
        sync = await newcomer.frame("sync")

    told = [(m["id"], m["role"], m["text"], m["status"], m["parent"]) for m in sync["messages"]]
    assert told == [
        (accepted["id"], "user", "What helps when he is angry?", "done", None),
        (accepted["message"], "assistant", REPLY, "done", accepted["id"]),
    ]
    assert (sync["full"], sync["rev"], sync["turn"]) == (True, ended["rev"], None)


async def test_reader_who_knows_the_revision_gets_no_message(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        ended = await client.ask("Is there anything new?")
        talk = client.conversation_of(ended["turn"])

        await client.say({"type": "subscribe", "conversation": talk, "rev": ended["rev"]})
        sync = await client.frame("sync")

    assert (sync["messages"], sync["rev"], sync["full"]) == ([], ended["rev"], False)


async def test_reader_who_knows_an_earlier_revision_gets_what_changed(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        first = await client.ask("This I know.")
        talk = client.conversation_of(first["turn"])
        await client.ask("This is new.", conversation=talk)

        await client.say({"type": "subscribe", "conversation": talk, "rev": first["rev"]})
        sync = await client.frame("sync")

    assert [message["text"] for message in sync["messages"]][:1] == ["This is new."]
    assert len(sync["messages"]) == 2


async def test_reader_with_a_revision_of_the_future_gets_all(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        ended = await client.ask("What do you make of this?")
        talk = client.conversation_of(ended["turn"])

        await client.say({"type": "subscribe", "conversation": talk, "rev": 1000})
        sync = await client.frame("sync")

    assert (sync["full"], len(sync["messages"])) == (True, 2)


async def test_text_of_a_running_reply_comes_by_its_events_alone(
    alice: Visitor, model: Model
) -> None:
    gate = Latch()
    model.script(in_pieces(gate=gate, gate_after=4))
    async with ChatClient(alice) as client:
        accepted = await client.send("Write slowly, please.")
        await client.until(lambda: client.text_of(accepted["turn"]))

        async with ChatClient(alice) as newcomer:
            await newcomer.subscribe(accepted["conversation"])
            sync = await newcomer.frame("sync")
            gate.open()
            await newcomer.end_of(accepted["turn"])

    running = sync["messages"][1]
    assert (running["status"], running["text"], running["html"]) == ("running", "", None)
    assert sync["turn"] == {
        "id": accepted["turn"],
        "message": accepted["message"],
        "status": "running",
    }
    assert newcomer.text_of(accepted["turn"]) == REPLY


@pytest.mark.parametrize("arrived", range(len(PIECES) + 1))
async def test_connection_cut_anywhere_in_a_reply_costs_nothing(
    alice: Visitor, model: Model, arrived: int
) -> None:
    gate = Latch()
    model.script(in_pieces(gate=gate, gate_after=arrived))
    async with ChatClient(alice) as client:
        accepted = await client.send("Cut me off at any word.")
        turn = client.reply(accepted["turn"])
        sent = len(REPLY) * arrived // len(PIECES)
        # A space, or what may begin an address, waits for what follows it.
        await client.until(lambda: len(turn.text) >= sent - 2)

        await client.vanish()
        gate.open()
        await client.connect()
        await client.end_of(accepted["turn"])

    frames = client.frames_of(accepted["turn"])
    assert turn.text == REPLY
    before = ["0-0", *(frame["cursor"] for frame in frames[:-1])]
    assert [frame["after"] for frame in frames if "after" in frame] == [
        place for place, frame in zip(before, frames, strict=True) if frame["type"] != "snapshot"
    ]
    assert len(model.requests) == 1


async def test_reader_who_returns_after_the_end_gets_what_is_missing(
    alice: Visitor, model: Model
) -> None:
    model.script(in_pieces(pace=0.005))
    async with ChatClient(alice) as client:
        ended = await client.ask("Tell me the rest, from anywhere.")
        frames = client.frames_of(ended["turn"])
    talk = client.conversation_of(ended["turn"])

    for heard in range(1, len(frames)):
        async with ChatClient(alice) as reader:
            reader.remember(talk, frames[:heard])
            await reader.subscribe(talk)
            await reader.end_of(ended["turn"])

        missing = reader.frames_of(ended["turn"])
        assert missing[0]["after"] == frames[heard - 1]["cursor"]
        assert reader.text_of(ended["turn"]) == REPLY
        assert missing[-1] == ended


async def test_cursor_at_the_end_of_a_turn_brings_nothing(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        ended = await client.ask("I have heard it all.")
        talk = client.conversation_of(ended["turn"])
        heard = len(client.frames_of(ended["turn"]))

        await client.subscribe(talk)
        await client.frame("sync")
        await client.error({"type": "subscribe", "conversation": new_id()})

    assert len(client.frames_of(ended["turn"])) == heard


@pytest.mark.parametrize("cursor", ["1-999", "2-1", "1--1", "-1-1", "1", "", "a-b", "1-1-1"])
async def test_t26_place_that_the_reply_does_not_have_is_refused(
    alice: Visitor, cursor: str
) -> None:
    async with ChatClient(alice) as client:
        ended = await client.ask("Where was I, please?")
        talk = client.conversation_of(ended["turn"])

        code = await client.error(
            {
                "type": "subscribe",
                "conversation": talk,
                "turn": {"id": ended["turn"], "cursor": cursor},
            }
        )

    assert code == "bad_cursor"


async def test_t26_place_ahead_of_a_running_reply_is_refused(alice: Visitor, model: Model) -> None:
    gate = Latch()
    model.script(in_pieces(gate=gate, gate_after=2))
    async with ChatClient(alice) as client:
        accepted = await client.send("Do not run ahead of me.")
        position = {"id": accepted["turn"], "cursor": "1-7"}
        known = {"type": "subscribe", "conversation": accepted["conversation"], "turn": position}
        await client.until(lambda: client.text_of(accepted["turn"]))

        code = await client.error(known)
        gate.open()
        await client.end_of(accepted["turn"])

    assert code == "bad_cursor"


async def test_turn_of_another_conversation_is_not_found(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        one = await client.ask("This is the one talk.")
        other = await client.ask("This is the other talk.")

        code = await client.error(
            {
                "type": "subscribe",
                "conversation": client.conversation_of(one["turn"]),
                "turn": {"id": other["turn"], "cursor": "1-1"},
            }
        )

    assert code == "not_found"


async def test_second_socket_is_told_of_a_change_and_sees_the_same(
    alice: Visitor, model: Model
) -> None:
    gate = Latch()
    model.script(Answer("Welcome."), in_pieces(gate=gate, gate_after=3))
    async with ChatClient(alice) as phone, ChatClient(alice) as laptop:
        first = await phone.ask("Hello from my phone.")
        talk = phone.conversation_of(first["turn"])
        await laptop.subscribe(talk)
        await laptop.frame("sync")

        accepted = await phone.send("I have one more question.", conversation=talk)
        changed = await laptop.frame("changed")
        await laptop.subscribe(talk)
        gate.open()
        ends = [await each.end_of(accepted["turn"]) for each in (phone, laptop)]

    assert changed == {"type": "changed", "conversation": talk, "rev": accepted["rev"]}
    assert ends[0] == ends[1]
    assert phone.reply(accepted["turn"]).blocks == laptop.reply(accepted["turn"]).blocks
    assert laptop.text_of(accepted["turn"]) == REPLY


async def test_socket_that_follows_no_more_hears_nothing(alice: Visitor, model: Model) -> None:
    gate = Latch()
    model.script(in_pieces(gate=gate, gate_after=1))
    async with ChatClient(alice) as phone, ChatClient(alice) as laptop:
        accepted = await phone.send("Only my phone shall hear this.")
        await laptop.subscribe(accepted["conversation"])
        await laptop.until(lambda: laptop.text_of(accepted["turn"]))

        await laptop.say({"type": "unsubscribe", "conversation": accepted["conversation"]})
        await laptop.error({"type": "subscribe", "conversation": new_id()})
        gate.open()
        await phone.end_of(accepted["turn"])
        await laptop.error({"type": "subscribe", "conversation": new_id()})

    assert laptop.reply(accepted["turn"]).end is None


async def test_t81_closed_socket_stops_nothing(alice: Visitor, model: Model) -> None:
    gate = Latch()
    model.script(in_pieces(gate=gate, gate_after=2))
    async with ChatClient(alice) as client:
        accepted = await client.send("I am leaving, but go on.")
        await client.until(lambda: client.text_of(accepted["turn"]))

    gate.open()
    stored = await alice.finished(accepted["message"])

    assert (stored["status"], stored["text"]) == ("done", REPLY)
