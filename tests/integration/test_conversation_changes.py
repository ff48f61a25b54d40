"""Renaming, deleting and restoring a conversation, and what its sockets hear of it."""

import asyncio
from dataclasses import dataclass

import pytest

from tests.chat_client import ChatClient, Visitor, new_id
from tests.chat_reply import Frame
from tests.conftest import Model
from tests.databases import rows
from tests.latch import Latch
from tests.openai_script import Answer
from tests.page_requests import conversation_path, request

CHANGES = [
    ("PATCH", "", {"title": "Sleep"}),
    ("DELETE", "", None),
    ("POST", "/restore", None),
    ("POST", "/share", None),
    ("DELETE", "/share", None),
]
CHANGE_NAMES = ["rename", "delete", "restore", "share", "revoke"]
SOON_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    visitor: Visitor
    conversation: str
    accepted: Frame

    async def call(self, method: str, rest: str = "", body: object = None) -> tuple[int, Frame]:
        response = await request(
            self.visitor, method, conversation_path(self.conversation, rest), body
        )
        return response.status_code, response.json() if response.content else {}

    async def listed(self) -> list[Frame]:
        told = await self.visitor.get("/api/conversations")
        return [each for each in told["conversations"] if each["id"] == self.conversation]


@pytest.fixture
async def talk(alice: Visitor) -> Talk:
    async with ChatClient(alice) as client:
        accepted = await client.send("Why does my child not sleep?")
        await client.end_of(accepted["turn"])
    return Talk(visitor=alice, conversation=accepted["conversation"], accepted=accepted)


async def test_new_title_is_in_the_list_under_a_new_revision(talk: Talk) -> None:
    [before] = await talk.listed()

    status, told = await talk.call("PATCH", body={"title": "  Sleep\n and waking  "})

    assert (status, told["title"], told["rev"]) == (200, "Sleep and waking", before["rev"] + 1)
    assert told["at"] == before["at"]
    assert await talk.listed() == [told]


async def test_other_windows_hear_of_a_new_title(talk: Talk) -> None:
    async with ChatClient(talk.visitor) as client:
        await client.subscribe(talk.conversation)
        await client.frame("sync")

        _, told = await talk.call("PATCH", body={"title": "Sleep"})

        changed = await client.frame("changed", conversation=talk.conversation)
        await client.subscribe(talk.conversation)
        sync = await client.frame("sync", title="Sleep")
    assert changed["rev"] == sync["rev"] == told["rev"]


async def test_visitor_who_searches_too_often_is_told_when_to_go_on(
    alice: Visitor, bob: Visitor
) -> None:
    path = "/api/conversations?search=sleep"

    told = [await request(alice, "GET", path) for _ in range(300)]
    others = [await request(bob, "GET", path), await request(alice, "GET", "/api/conversations")]

    [refused, *_] = [each for each in told if each.status_code != 200]
    assert {each.status_code for each in told[:60]} == {200}
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert refused.json()["error"]["code"] == "rate_limited"
    assert [each.status_code for each in others] == [200, 200]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({}, "empty", id="none"),
        pytest.param({"title": " \u200b\n"}, "empty", id="invisible"),
        pytest.param({"title": "x" * 121}, "too_long", id="121 characters"),
        pytest.param({"title": 5}, "bad_text", id="number"),
        pytest.param({"title": "a\x00b"}, "bad_text", id="NUL"),
        pytest.param({"title": "a", "visitor": 1}, "unknown_field", id="unknown field"),
        pytest.param(b'{"title": "\\ud800"}', "bad_text", id="half a pair"),
        pytest.param(b'{"title": "a", "title": "b"}', "duplicate_key", id="twice"),
        pytest.param(b"title", "bad_json", id="no JSON"),
        pytest.param(b"\xff", "bad_json", id="no UTF-8"),
        pytest.param(b"[]", "not_object", id="no object"),
    ],
)
async def test_title_that_cannot_be_used_changes_nothing(
    talk: Talk, body: object, code: str
) -> None:
    before = await talk.listed()

    assert await talk.call("PATCH", body=body) == (400, {"error": {"code": code}})

    assert await talk.listed() == before


async def test_title_of_120_characters_is_kept(talk: Talk) -> None:
    status, told = await talk.call("PATCH", body={"title": "睡" * 120})

    assert (status, told["title"]) == (200, "睡" * 120)


async def test_body_beyond_the_limit_is_refused(talk: Talk) -> None:
    told = await talk.call("PATCH", body={"title": "x" * 16_384})

    assert told == (413, {"error": {"code": "too_large"}})


@pytest.mark.parametrize(("method", "rest", "body"), CHANGES, ids=CHANGE_NAMES)
async def test_t43_nothing_changes_without_the_token(
    talk: Talk, method: str, rest: str, body: object
) -> None:
    before = await talk.listed()
    path = conversation_path(talk.conversation, rest)

    forged = await request(talk.visitor, method, path, body, headers={"X-CSRFToken": ""})
    foreign = await request(
        talk.visitor, method, path, body, headers={"Origin": "https://evil.example"}
    )

    assert (forged.status_code, foreign.status_code) == (403, 403)
    assert await talk.listed() == before


@pytest.mark.parametrize(("method", "rest", "body"), CHANGES, ids=CHANGE_NAMES)
async def test_t43_form_is_no_json(talk: Talk, method: str, rest: str, body: object) -> None:
    before = await talk.listed()
    path = conversation_path(talk.conversation, rest)
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    response = await request(talk.visitor, method, path, b"title=Sleep", headers=form)

    assert response.status_code == 415
    assert await talk.listed() == before


@pytest.mark.parametrize(
    ("method", "rest", "allowed"),
    [
        ("POST", "", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/restore", "POST"),
        ("GET", "/share", "DELETE, POST"),
        ("PUT", "/share", "DELETE, POST"),
    ],
)
async def test_other_methods_are_not_allowed(
    talk: Talk, method: str, rest: str, allowed: str
) -> None:
    response = await request(talk.visitor, method, conversation_path(talk.conversation, rest))

    assert (response.status_code, response.headers["Allow"]) == (405, allowed)
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("method", "rest", "body"), CHANGES, ids=CHANGE_NAMES)
async def test_somebody_elses_is_told_like_what_does_not_exist(
    talk: Talk, bob: Visitor, method: str, rest: str, body: object
) -> None:
    before = await talk.listed()

    theirs, none = [
        await request(bob, method, conversation_path(each, rest), body)
        for each in (talk.conversation, new_id())
    ]

    assert theirs.status_code == none.status_code == 404
    assert theirs.content == none.content == b'{"error": {"code": "not_found"}}'
    assert theirs.headers["Cache-Control"] == "no-store"
    assert await talk.listed() == before


async def test_deleted_conversation_is_gone_everywhere(talk: Talk) -> None:
    _, shared = await talk.call("POST", "/share")

    assert await talk.call("DELETE") == (204, {})

    gone = {"error": {"code": "not_found"}}
    assert await talk.listed() == []
    for rest, method, body in (("", "GET", None), ("", "PATCH", {"title": "x"}), ("", "DELETE", 0)):
        assert await talk.call(method, rest, body) == (404, gone)
    assert await talk.call("POST", "/share") == (404, gone)
    assert await talk.call("GET", "/export?format=json") == (404, gone)
    assert await talk.visitor.get(f"/api/messages/{talk.accepted['message']}") == gone
    for path in (f"/c/{talk.conversation}/print", shared["url"].partition("/s/")[2]):
        response = await request(talk.visitor, "GET", path if path[0] == "/" else f"/s/{path}")
        assert response.status_code == 404
    async with ChatClient(talk.visitor) as client:
        named = {"id": new_id(), "message": talk.accepted["message"]}
        for command in (
            {"type": "subscribe", "conversation": talk.conversation},
            {"type": "regenerate", **named},
            {"type": "feedback", "value": "down", **named},
            {"type": "stop", "turn": talk.accepted["turn"]},
            {"type": "send", "id": new_id(), "conversation": talk.conversation, "text": "Still?"},
        ):
            assert await client.error(command) == "not_found"


async def test_restored_conversation_is_as_it_was(talk: Talk) -> None:
    [before] = await talk.listed()
    path = conversation_path(talk.conversation)
    said = (await talk.visitor.get(path))["messages"]
    await talk.call("DELETE")

    status, told = await talk.call("POST", "/restore")

    assert (status, told) == (200, {**before, "rev": told["rev"]})
    assert told["rev"] > before["rev"]
    assert await talk.listed() == [told]
    assert (await talk.visitor.get(path))["messages"] == said


async def test_restoring_what_stands_changes_nothing(talk: Talk) -> None:
    [before] = await talk.listed()

    assert await talk.call("POST", "/restore") == (200, before)


async def test_deleting_stops_the_reply_and_says_no_more_of_it(
    alice: Visitor, model: Model, model_database: str
) -> None:
    model.script(Answer("Once upon a time, and so on.", pieces=14, gate=Latch(), gate_after=4))
    async with ChatClient(alice) as client:
        accepted = await client.send("Tell me a very long story, please.")
        talk = Talk(visitor=alice, conversation=accepted["conversation"], accepted=accepted)
        await client.until(lambda: client.text_of(accepted["turn"]) == "Once upo")
        provider = await model.request(1)

        await talk.call("DELETE")

        async with asyncio.timeout(SOON_SECONDS):
            await provider.disconnected.wait()
            while status(model_database, accepted["turn"]) == "running":
                await asyncio.sleep(0.02)
        changed = await client.frame("changed", conversation=talk.conversation)
        await client.ask("And what about something else?")  # whatever was to come would be here
    told = [frame for frame in client.frames if frame.get("turn") == accepted["turn"]]
    assert status(model_database, accepted["turn"]) == "stopped"
    assert [frame["type"] for frame in told if frame["type"] == "end"] == []
    assert client.all_of("changed", conversation=talk.conversation) == [changed]


async def test_window_that_was_told_of_the_deletion_hears_of_its_undoing(talk: Talk) -> None:
    async with ChatClient(talk.visitor) as client:
        await client.subscribe(talk.conversation)
        await client.frame("sync")
        await talk.call("DELETE")
        deleted = await client.frame("changed", conversation=talk.conversation)

        _, told = await talk.call("POST", "/restore")

        await client.frame("changed", conversation=talk.conversation, rev=told["rev"])
        await client.ask("Did you sleep?", conversation=talk.conversation)
    assert told["rev"] == deleted["rev"] + 1


def status(database: str, turn: str) -> str:
    [(found,)] = rows(database, "SELECT status FROM chat_turn WHERE id = %s", turn)
    return str(found)
