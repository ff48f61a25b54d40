"""What visitors think of a reply, and whether they want to hear of an answer later."""

import pytest

from tests.chat_client import ChatClient, Visitor, new_id
from tests.chat_reply import Frame
from tests.databases import rows

FEEDBACK = "SELECT value, reason, comment FROM chat_feedback WHERE message_id = %s"
WANTED = "SELECT notice_wanted FROM chat_message WHERE id = %s"


async def noted(client: ChatClient, kind: str, **fields: object) -> Frame:
    command = {"type": kind, "id": new_id(), **fields}
    await client.say(command)
    return await client.frame("done", id=command["id"])


async def test_feedback_is_stored_and_the_last_word_counts(
    alice: Visitor, model_database: str
) -> None:
    async with ChatClient(alice) as client:
        accepted = await client.send("Was this of any use?")
        await client.end_of(accepted["turn"])
        message = accepted["message"]

        await noted(client, "feedback", message=message, value="up")
        await noted(
            client, "feedback", message=message, value="down", reason="unclear", comment="?"
        )

    assert rows(model_database, FEEDBACK, message) == [("down", "unclear", "?")]


async def test_feedback_is_taken_back(alice: Visitor, model_database: str) -> None:
    async with ChatClient(alice) as client:
        accepted = await client.send("Shall I change my mind?")
        await client.end_of(accepted["turn"])

        await noted(client, "feedback", message=accepted["message"], value="up")
        await noted(client, "feedback", message=accepted["message"], value="none")

    assert rows(model_database, FEEDBACK, accepted["message"]) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"value": "great"}, "bad_text"),
        ({"value": "down", "reason": "boring"}, "bad_text"),
        ({"value": "down", "comment": "x" * 2_001}, "too_long"),
        ({"value": "down", "comment": 7}, "bad_text"),
    ],
)
async def test_feedback_outside_the_list_is_refused(
    alice: Visitor, fields: Frame, code: str
) -> None:
    command = {"type": "feedback", "id": new_id(), "message": new_id(), **fields}

    async with ChatClient(alice) as client:
        assert await client.error(command) == code


async def test_wish_to_hear_of_an_answer_is_stored_and_withdrawn(
    alice: Visitor, model_database: str
) -> None:
    async with ChatClient(alice) as client:
        accepted = await client.send("Will anybody answer this one day?")
        await client.end_of(accepted["turn"])
        message = accepted["message"]

        await noted(client, "notify", message=message, wanted=True)
        wanted = rows(model_database, WANTED, message)
        await noted(client, "notify", message=message, wanted=False)

    assert wanted == [(True,)]
    assert rows(model_database, WANTED, message) == [(False,)]


async def test_other_pages_hear_of_what_was_noted(alice: Visitor) -> None:
    async with ChatClient(alice) as client, ChatClient(alice) as other:
        accepted = await client.send("Does the other tab know?")
        conversation, message = accepted["conversation"], accepted["message"]
        ended = await client.end_of(accepted["turn"])
        await other.subscribe(conversation)
        await other.frame("sync")

        await noted(client, "feedback", message=message, value="up")
        changed = await other.frame("changed", conversation=conversation)
        await other.subscribe(conversation, rev=ended["rev"])
        synced = await other.until(lambda: next(iter(other.all_of("sync", full=False)), None))

    assert (changed["rev"], synced["rev"]) == (ended["rev"] + 1, ended["rev"] + 1)
    (told,) = synced["messages"]
    assert (told["id"], told["feedback"]["value"]) == (message, "up")
    assert told["rev"] == ended["rev"]
