"""A message, its turn and its reply, over the socket of a running server."""

import asyncio
import hashlib

import pytest

from tests.chat_client import ChatClient, Visitor, new_id, send_command
from tests.chat_reply import cursor_of, utf16_length
from tests.conftest import Model
from tests.databases import locked_conversation, rows
from tests.latch import Latch
from tests.openai_script import Answer

REPLY = "Stay calm. 🙂\n\n- Pad the wall.\n- Write down *when* it happens.\n\nThen show him signs."


async def test_accepted_repeats_what_was_sent(alice: Visitor) -> None:
    command = send_command("What shall I do when he bangs his head?")

    async with ChatClient(alice) as client:
        await client.say(command)
        accepted = await client.frame("accepted")
        await client.end_of(accepted["turn"])

    assert (accepted["id"], accepted["conversation"]) == (command["id"], command["conversation"])
    assert (accepted["duplicate"], accepted["rev"]) == (False, 1)


async def test_events_of_a_turn_are_an_unbroken_chain(alice: Visitor, model: Model) -> None:
    model.script(Answer(REPLY, pieces=12, pace=0.005))

    async with ChatClient(alice) as client:
        ended = await client.ask("Tell me in twelve pieces, please.")
        frames = client.frames_of(ended["turn"])

    assert [frame["after"] for frame in frames] == ["0-0", *(f["cursor"] for f in frames[:-1])]
    assert frames[0]["event"] == {"kind": "started"}
    assert frames[-1] == ended


async def test_end_matches_the_text_that_was_shown_and_stored(alice: Visitor, model: Model) -> None:
    model.script(Answer(REPLY))

    async with ChatClient(alice) as client:
        ended = await client.ask("How do I stay calm myself?")
        shown = client.text_of(ended["turn"])
        message = client.all_of("accepted")[0]["message"]
    stored = await alice.get(f"/api/messages/{message}")

    assert shown == stored["text"] == REPLY
    assert ended["length"] == utf16_length(REPLY) == len(REPLY) + 1
    assert ended["sha256"] == hashlib.sha256(REPLY.encode()).hexdigest()[:16]
    assert (ended["status"], ended["finish"], ended["error"]) == ("done", "stop", None)
    assert (stored["status"], stored["rev"]) == ("done", ended["rev"])


async def test_blocks_tile_the_reply(alice: Visitor, model: Model) -> None:
    model.script(Answer(REPLY, pieces=40))

    async with ChatClient(alice) as client:
        ended = await client.ask("Give me a list of things to do.")
        blocks = client.reply(ended["turn"]).blocks

    edges = [0, *(block["end"] for block in blocks)]
    assert [block["start"] for block in blocks] == edges[:-1]
    assert edges[-1] == ended["length"]
    assert "<li>Pad the wall.</li>" in blocks[1]["html"]


async def test_same_id_again_starts_nothing(
    alice: Visitor, model: Model, model_database: str
) -> None:
    model.script(Answer("Once."))
    command = send_command("Please count how often you hear this.")
    async with ChatClient(alice) as client:
        await client.say(command)
        first = await client.frame("accepted")
        await client.end_of(first["turn"])

        await client.say(command)
        again = await client.frame("accepted", duplicate=True)

    assert again == first | {"duplicate": True}
    assert len(model.requests) == 1
    assert rows(model_database, COUNTS, command["conversation"]) == [(2, 1)]


COUNTS = """
SELECT (SELECT count(*) FROM chat_message WHERE conversation_id = c.id),
       (SELECT count(*) FROM chat_turn WHERE conversation_id = c.id)
FROM chat_conversation c WHERE c.id = %s
"""


async def test_t30_two_sockets_that_send_the_same_id_at_once_share_a_turn(
    alice: Visitor, model: Model, model_database: str
) -> None:
    model.script(Answer("Welcome."), Answer("Once for both."))
    async with ChatClient(alice) as phone, ChatClient(alice) as laptop:
        first = await phone.send("Hello from the phone.")
        await phone.end_of(first["turn"])
        command = send_command("In the same moment.", conversation=first["conversation"])

        async with locked_conversation(model_database, first["conversation"]) as held:
            await asyncio.gather(phone.say(command), laptop.say(command))
            await held.until_others_wait(2)
        both = [await each.frame("accepted", id=command["id"]) for each in (phone, laptop)]
        ends = [await each.end_of(both[0]["turn"]) for each in (phone, laptop)]

    assert sorted(each.pop("duplicate") for each in both) == [False, True]
    assert both[0] == both[1]
    assert ends[0] == ends[1]
    assert len(model.requests) == 2


async def test_t30_two_sockets_that_begin_a_conversation_at_once_share_a_turn(
    alice: Visitor, model_database: str
) -> None:
    command = send_command("We both say this in the same moment.")

    async with ChatClient(alice) as phone, ChatClient(alice) as laptop:
        await asyncio.gather(phone.say(command), laptop.say(command))
        both = [await client.frame("accepted") for client in (phone, laptop)]
        ends = [await client.end_of(both[0]["turn"]) for client in (phone, laptop)]

    assert sorted(each.pop("duplicate") for each in both) == [False, True]
    assert both[0] == both[1]
    assert ends[0] == ends[1]
    assert rows(model_database, COUNTS, command["conversation"]) == [(2, 1)]


async def test_message_whose_acceptance_was_lost_is_sent_again_and_answered_at_once(
    alice: Visitor, model_database: str
) -> None:
    async with ChatClient(alice) as client:
        first = await client.send("Can you hear me well?")
        await client.end_of(first["turn"])
        command = send_command("Did you hear me?", conversation=first["conversation"])

        async with locked_conversation(model_database, first["conversation"]) as held:
            await client.say(client.note_unaccepted(command))
            await held.until_others_wait(1)
            await client.vanish()
            await client.connect()
        accepted = await client.frame("accepted", id=command["id"])
        reply = await alice.finished(accepted["message"])  # a `sync` may have told of its end

    assert reply["status"] == "done"
    assert rows(model_database, COUNTS, first["conversation"]) == [(4, 2)]


async def test_turn_that_is_asked_for_again_can_be_stopped(alice: Visitor, model: Model) -> None:
    model.script(Answer("It goes on and on.", gate=Latch(), gate_after=1))
    command = send_command("Tell me a long story.")
    async with ChatClient(alice) as client:
        await client.say(command)
        await client.frame("text")
        await client.say(command)
        again = await client.frame("accepted", duplicate=True)

        await client.say({"type": "stop", "turn": again["turn"]})
        ended = await client.end_of(again["turn"])

    assert ended["status"] == "stopped"


@pytest.mark.parametrize("change", ["text", "conversation"])
async def test_t30_same_id_for_something_else_is_a_conflict(alice: Visitor, change: str) -> None:
    command = send_command("These are my words.")
    other = command | {change: new_id()}
    async with ChatClient(alice) as client:
        await client.say(command)
        await client.end_of((await client.frame("accepted"))["turn"])

        code = await client.error(other)

    assert code == "id_conflict"
    assert client.all_of("error")[0]["id"] == command["id"]


async def test_message_id_of_another_visitor_is_a_conflict_that_tells_nothing(
    alice: Visitor, bob: Visitor
) -> None:
    command = send_command("This is between you and me.")
    async with ChatClient(alice) as client:
        await client.say(command)
        await client.end_of((await client.frame("accepted"))["turn"])

    async with ChatClient(bob) as client:
        code = await client.error(command | {"conversation": new_id()})

    assert code == "id_conflict"
    assert not client.all_of("accepted")


async def test_second_message_waits_for_the_first_reply(alice: Visitor, model: Model) -> None:
    gate = Latch()
    model.script(Answer("One after the other.", gate=gate, gate_after=1))
    async with ChatClient(alice) as client:
        accepted = await client.send("Are you there?")
        second = send_command("And now?", conversation=accepted["conversation"])

        code = await client.error(second)
        gate.open()
        await client.end_of(accepted["turn"])
        await client.say(second)
        taken = await client.frame("accepted", id=second["id"])
        await client.end_of(taken["turn"])

    assert code == "busy"


async def test_two_tabs_that_send_different_messages_at_once_are_told_apart(
    alice: Visitor, model: Model
) -> None:
    gate = Latch()
    model.script(Answer("First.", gate=gate))
    async with ChatClient(alice) as phone, ChatClient(alice) as laptop:
        talk = new_id()
        await phone.say(send_command("From the phone.", conversation=talk))
        await laptop.say(send_command("From the laptop.", conversation=talk))
        await asyncio.gather(*(client.until(client.answered) for client in (phone, laptop)))
        gate.open()
        winner, loser = sorted((phone, laptop), key=lambda client: len(client.all_of("error")))
        accepted = await winner.frame("accepted")
        await winner.end_of(accepted["turn"])

    assert (await loser.frame("error"))["code"] == "busy"
    assert not loser.all_of("accepted")


async def test_message_without_a_parent_field_follows_the_last_one(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        first = await client.send("My son is four.")
        await client.end_of(first["turn"])
        follower = send_command("How should I speak with him?", conversation=first["conversation"])
        del follower["parent"]
        await client.say(follower)
        await client.end_of((await client.frame("accepted", id=follower["id"]))["turn"])

    view = await alice.get(f"/api/conversations/{first['conversation']}")
    parents = {message["id"]: message["parent"] for message in view["messages"]}
    assert parents[follower["id"]] == first["message"]


async def test_edited_message_stands_beside_the_first(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        first = await client.send("My sun is four.")
        await client.end_of(first["turn"])
        edit = await client.send("My son is four.", conversation=first["conversation"])
        await client.end_of(edit["turn"])

    view = await alice.get(f"/api/conversations/{first['conversation']}")
    asked = [(m["text"], m["parent"]) for m in view["messages"] if m["role"] == "user"]
    assert asked == [("My sun is four.", None), ("My son is four.", None)]


async def test_message_may_only_answer_a_reply_of_its_own_conversation(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        here = await client.send("This is one conversation.")
        await client.end_of(here["turn"])
        there = await client.send("This is another conversation.")
        await client.end_of(there["turn"])

        parents = [there["message"], here["id"], new_id()]
        codes = [
            await client.error(
                send_command("Hello?", conversation=here["conversation"], parent=parent)
            )
            for parent in parents
        ]

    assert codes == ["not_found"] * 3


async def test_regenerate_makes_a_reply_beside_the_first(alice: Visitor, model: Model) -> None:
    model.script(Answer("The first reply."), Answer("The second reply."))
    async with ChatClient(alice) as client:
        first = await client.send("Say it another way.")
        await client.end_of(first["turn"])
        key = new_id()
        await client.say({"type": "regenerate", "id": key, "message": first["message"]})
        second = await client.frame("accepted", id=key)
        await client.end_of(second["turn"])

    view = await alice.get(f"/api/conversations/{first['conversation']}")
    replies = [(m["text"], m["parent"]) for m in view["messages"] if m["role"] == "assistant"]
    assert replies == [("The first reply.", first["id"]), ("The second reply.", first["id"])]


async def test_regenerate_again_with_its_key_starts_nothing(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        first = await client.send("Please think again about this.")
        await client.end_of(first["turn"])
        command = {"type": "regenerate", "id": new_id(), "message": first["message"]}
        await client.say(command)
        second = await client.frame("accepted", id=command["id"])
        await client.end_of(second["turn"])

        await client.say(command)
        again = await client.frame("accepted", duplicate=True)

    assert (again["turn"], again["message"]) == (second["turn"], second["message"])


async def test_key_of_another_regeneration_is_a_conflict(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        first, second = [await client.send(text) for text in ("This is one.", "This is two.")]
        for turn in (first["turn"], second["turn"]):
            await client.end_of(turn)
        command = {"type": "regenerate", "id": new_id(), "message": first["message"]}
        await client.say(command)
        await client.end_of((await client.frame("accepted", id=command["id"]))["turn"])

        code = await client.error(command | {"message": second["message"]})

    assert code == "id_conflict"


async def test_own_message_cannot_be_regenerated(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        accepted = await client.send("I am no reply.")
        await client.end_of(accepted["turn"])

        code = await client.error({"type": "regenerate", "id": new_id(), "message": accepted["id"]})

    assert code == "not_found"


async def test_revision_rises_with_every_stored_change(alice: Visitor) -> None:
    async with ChatClient(alice) as client:
        first = await client.send("One.")
        end = await client.end_of(first["turn"])
        second = await client.send("Two.", conversation=first["conversation"])
        last = await client.end_of(second["turn"])

    assert [first["rev"], end["rev"], second["rev"], last["rev"]] == [1, 2, 3, 4]


async def test_cursors_of_a_reply_never_skip(alice: Visitor, model: Model) -> None:
    model.script(Answer("abcdefgi", pieces=8, pace=0.01))

    async with ChatClient(alice) as client:
        ended = await client.ask("Spell it for me.")
        kinds = client.reply(ended["turn"]).kinds

    attempt, last = cursor_of(ended["cursor"])
    assert attempt == 1
    # started, the pieces, the blocks, the end; pieces that came together may be one
    assert 4 <= last <= 1 + 8 + kinds.count("block") + 1


@pytest.mark.parametrize("kind", ["send", "regenerate"])
async def test_whoever_asks_again_is_not_told_of_a_change_as_others_are(
    alice: Visitor, kind: str
) -> None:
    async with ChatClient(alice) as client, ChatClient(alice) as other:
        first = await client.send("Does he do that at night, too?")
        await client.end_of(first["turn"])
        await other.subscribe(first["conversation"])
        await other.frame("sync")

        command = send_command("And in the morning?", conversation=first["conversation"])
        if kind == "regenerate":
            command = {"type": "regenerate", "id": new_id(), "message": first["message"]}
        await client.say(command)
        accepted = await client.frame("accepted", id=command["id"])
        await client.end_of(accepted["turn"])
        told = await other.frame("changed")

    assert told["rev"] >= accepted["rev"]
    assert not client.all_of("changed")
