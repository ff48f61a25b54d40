"""What POST /api/chat and GET /api/turns/<id>/events refuse, and whom."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.chat_client import NO_TLS, Visitor, new_id, send_command
from tests.chat_reply import Frame
from tests.conftest import Model
from tests.databases import rows
from tests.event_client import EventClient, events_path
from tests.latch import Latch
from tests.openai_script import Answer
from tests.serving import ChatServer

REPLY = "Pad the wall. Stay calm.\n\nThen show him signs."
SOON_SECONDS = 5


@pytest.fixture
async def client(alice: Visitor) -> AsyncIterator[EventClient]:
    async with EventClient.of(alice) as client:
        yield client


@pytest.fixture
async def stranger(bob: Visitor) -> AsyncIterator[EventClient]:
    async with EventClient.of(bob) as client:
        yield client


# --- What is refused

VALID = send_command("Is this in good order?")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b"\xff", 400, "bad_json"),
        (b"[]", 400, "not_object"),
        (b"[" * 10_000, 400, "too_deep"),
        (b"[" * 17_000, 413, "too_large"),
        (b"\xff" * 17_000, 413, "too_large"),
        (b'{"id": 1e999}', 400, "bad_number"),
        (b'{"id": 1, "id": 1}', 400, "duplicate_key"),
        (json.dumps({**VALID, "owner": 1}), 400, "unknown_field"),
        (json.dumps({**VALID, "type": "shout"}), 400, "unknown_type"),
        (json.dumps({**VALID, "type": None}), 400, "unknown_type"),
        (json.dumps({"type": "subscribe", "conversation": new_id()}), 400, "unknown_type"),
        (json.dumps({"type": "unsubscribe", "conversation": new_id()}), 400, "unknown_type"),
        (json.dumps({"type": "pong", "k": 1}), 400, "unknown_type"),
        (json.dumps({**VALID, "id": "7"}), 400, "bad_id"),
        (json.dumps({"type": "stop"}), 400, "bad_id"),
        (json.dumps({**VALID, "text": "\x00"}), 400, "bad_text"),
        (json.dumps({**VALID, "text": " "}), 400, "empty"),
        (json.dumps({**VALID, "text": "a" * 8_193}), 400, "too_long"),
    ],
)
async def test_request_that_cannot_be_obeyed_is_refused_by_its_code(
    client: EventClient, body: bytes | str, status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}

    response = await client.http.post("/api/chat", content=body, headers=headers)

    error = response.json()["error"]
    assert (response.status_code, error.keys()) == (status, {"code", "message", "retry_ms"})
    assert (error["code"], error["retry_ms"]) == (code, 0)
    assert response.headers["cache-control"] == "no-store"


async def test_sentence_is_in_the_language_of_the_visitor(client: EventClient) -> None:
    response = await client.say({**VALID, "text": ""}, **{"Accept-Language": "zh-CN"})

    assert response.json()["error"]["message"] == "请先写点什么。"


@pytest.mark.parametrize(
    "command",
    [
        {"type": "regenerate", "id": "{id}", "message": "{message}"},
        {"type": "stop", "turn": "{turn}"},
        {"type": "stop", "send": "{id}"},
        {"type": "feedback", "id": "{id}", "message": "{message}", "value": "down"},
        {"type": "notify", "id": "{id}", "message": "{message}", "wanted": True},
        {"type": "send", "id": "{new}", "conversation": "{conversation}", "text": "Mine."},
    ],
    ids="-".join,
)
async def test_t23_somebody_elses_is_told_like_what_does_not_exist(
    client: EventClient, stranger: EventClient, command: Frame
) -> None:
    theirs = await client.send("This is mine, and mine alone.")
    missing = {**{name: new_id() for name in theirs}, "conversation": theirs["conversation"]}

    answers = [
        await stranger.say(filled(command, {**found, "new": new_id()}))
        for found in (theirs, missing)
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


def filled(command: Frame, names: dict[str, str]) -> Frame:
    return {
        key: value.format_map(names) if isinstance(value, str) else value
        for key, value in command.items()
    }


async def test_turn_of_another_is_told_like_one_that_does_not_exist(
    client: EventClient, stranger: EventClient
) -> None:
    theirs = await client.send("Nobody else reads this.")
    await client.told(theirs["turn"])

    answers = [await stranger.events(turn) for turn in (theirs["turn"], new_id())]

    heads = [{**dict(each.headers), "date": ""} for each in answers]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert (answers[0].content, heads[0]) == (answers[1].content, heads[1])


@pytest.mark.parametrize(
    "origin", ["null", "https://127.0.0.1", "http://evil.example", "{own}.evil.example", ""]
)
async def test_t43_page_of_another_origin_is_refused(
    client: EventClient, model_server: ChatServer, origin: str, model_database: str
) -> None:
    command = send_command("Did they make you ask this?")
    headers = {"Origin": origin.format(own=model_server.url)}

    posted = await client.say(command, **headers)
    read = await client.events(new_id(), headers=headers)

    assert (posted.status_code, read.status_code) == (403, 403)
    assert not rows(model_database, "SELECT 1 FROM chat_message WHERE id = %s", command["id"])


async def test_page_of_our_own_origin_may_ask(
    client: EventClient, model_server: ChatServer
) -> None:
    response = await client.say(send_command("May I ask?"), Origin=model_server.url)

    assert response.status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_t43_body_by_another_name_than_json_is_refused(
    client: EventClient, kind: str
) -> None:
    response = await client.http.post(
        "/api/chat", content=json.dumps(VALID), headers={"Content-Type": kind}
    )

    assert (response.status_code, response.content) == (415, b"")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_not_allowed(client: EventClient, method: str) -> None:
    chat = await client.http.request(method, "/api/chat")
    read = await client.http.request("POST" if method == "GET" else method, events_path(new_id()))

    assert (chat.status_code, chat.headers["allow"]) == (405, "POST")
    assert (read.status_code, read.headers["allow"]) == (405, "GET")


# --- Who asks


async def test_visitor_without_a_session_is_given_one(model_server: ChatServer) -> None:
    async with httpx2.AsyncClient(base_url=model_server.url, verify=NO_TLS) as http:
        client = EventClient(http, model_server)
        accepted = await client.send("Do you know who I am?")
        told = await client.told(accepted["turn"])
        again = await client.send("And now, do you know me?")

    assert told[-1].kind == "end"
    assert again["duplicate"] is False


async def test_refused_visitor_is_given_no_session(model_server: ChatServer) -> None:
    async with httpx2.AsyncClient(base_url=model_server.url, verify=NO_TLS) as http:
        response = await http.post("/api/chat", json={**VALID, "text": ""})

    assert "set-cookie" not in response.headers


async def test_t28_session_that_has_ended_is_told(
    client: EventClient, alice: Visitor, model: Model, model_database: str
) -> None:
    gate = Latch()
    model.script(Answer(REPLY, gate=gate))
    accepted = await client.send("Who is it that reads on?")

    async with client.following(accepted["turn"]) as stream:
        await anext(stream)
        key = alice.cookie.partition("=")[2]
        assert rows(
            model_database, "DELETE FROM django_session WHERE session_key = %s RETURNING 1", key
        )
        async with asyncio.timeout(SOON_SECONDS):
            last = [each async for each in stream if not each.comment][-1]
    gate.open()
    refused = [await client.say(VALID), await client.events(accepted["turn"])]

    assert (last.kind, last.frame["code"]) == ("bye", "session_ended")
    assert [each.status_code for each in refused] == [401, 401]
    assert refused[0].json()["error"]["code"] == "session_ended"
