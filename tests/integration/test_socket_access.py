"""What belongs to one visitor does not exist for another."""

import json
from typing import Any

import pytest

from tests.chat_client import ChatClient, Visitor, new_id
from tests.chat_reply import Frame
from tests.databases import rows

COMMANDS: list[Frame] = [
    {"type": "subscribe", "conversation": "{conversation}"},
    {"type": "subscribe", "conversation": "{mine}", "turn": {"id": "{turn}", "cursor": "1-1"}},
    {"type": "regenerate", "id": "{id}", "message": "{message}"},
    {"type": "send", "id": "{id}", "conversation": "{mine}", "text": "x", "parent": "{message}"},
    {"type": "stop", "turn": "{turn}"},
    {"type": "stop", "send": "{key}"},
    {"type": "feedback", "id": "{id}", "message": "{message}", "value": "down"},
    {"type": "notify", "id": "{id}", "message": "{message}", "wanted": True},
]


def filled(value: Any, names: dict[str, str]) -> Any:
    """`value` with every "{name}" in it replaced."""
    match value:
        case str():
            return value.format_map(names)
        case dict():
            return {key: filled(each, names) for key, each in value.items()}
    return value


@pytest.mark.parametrize("command", COMMANDS, ids="-".join)
async def test_t23_somebody_elses_is_told_like_what_does_not_exist(
    alice: Visitor, bob: Visitor, command: Frame
) -> None:
    async with ChatClient(alice) as client:
        theirs = await client.send("This is mine alone.")
        await client.end_of(theirs["turn"])
    before = await alice.get(f"/api/conversations/{theirs['conversation']}")
    async with ChatClient(bob) as client:
        own = await client.ask("And this is mine.")
        own_names = {"mine": client.conversation_of(own["turn"]), "id": new_id()}

        for key in (theirs["id"], new_id()):
            found = theirs if key == theirs["id"] else dict.fromkeys(theirs, new_id())
            await client.error(filled(command, {**found, **own_names, "key": key}))

    one, other = client.all_of("error", code="not_found")
    assert json.dumps(one | {"request": ""}) == json.dumps(other | {"request": ""})
    assert await alice.get(f"/api/conversations/{theirs['conversation']}") == before


async def test_t24_nobody_writes_into_the_conversation_of_another(
    alice: Visitor, bob: Visitor, model_database: str
) -> None:
    async with ChatClient(alice) as client:
        ended = await client.ask("May only I write here?")
        talk = client.conversation_of(ended["turn"])

    async with ChatClient(bob) as client:
        command = {"type": "send", "id": new_id(), "conversation": talk, "text": "Let me in."}
        code = await client.error(command)

    assert code == "not_found"
    count = "SELECT count(*) FROM chat_message WHERE conversation_id = %s"
    assert rows(model_database, count, talk) == [(2,)]


async def test_t25_nothing_is_noted_about_the_reply_of_another(
    alice: Visitor, bob: Visitor, model_database: str
) -> None:
    async with ChatClient(alice) as client:
        accepted = await client.send("Is this any good?")
        await client.end_of(accepted["turn"])

    named = {"id": new_id(), "message": accepted["message"]}
    async with ChatClient(bob) as client:
        await client.error({"type": "feedback", "value": "down", **named})
        await client.error({"type": "notify", "wanted": False, **named})

    noted = """
        SELECT notice_wanted, (SELECT count(*) FROM chat_feedback WHERE message_id = m.id)
        FROM chat_message m WHERE id = %s
    """
    assert rows(model_database, noted, accepted["message"]) == [(True, 0)]


async def test_nobody_stops_the_reply_of_another(alice: Visitor, bob: Visitor) -> None:
    async with ChatClient(alice) as client:
        accepted = await client.send("Do go on whatever they say.")
        async with ChatClient(bob) as other:
            code = await other.error({"type": "stop", "turn": accepted["turn"]})
        ended = await client.end_of(accepted["turn"])

    assert (code, ended["status"]) == ("not_found", "done")


async def test_http_tells_nothing_of_another_either(alice: Visitor, bob: Visitor) -> None:
    async with ChatClient(alice) as client:
        accepted = await client.send("Who can read this?")
        await client.end_of(accepted["turn"])

    found = [
        await bob.get(f"/api/{kind}/{id_}")
        for kind, known in (("conversations", "conversation"), ("messages", "message"))
        for id_ in (accepted[known], new_id())
    ]

    assert found == [{"error": {"code": "not_found"}}] * 4
    assert await bob.get("/api/conversations") == {"conversations": []}
