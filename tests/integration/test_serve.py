"""`manage.py serve` as a process: its health, its end, and its next start."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.chat_client import ChatClient, Visitor
from tests.conftest import Model, quiet
from tests.databases import database_url, new_database, rows, without_connections
from tests.latch import Latch
from tests.openai_script import Answer
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer, environment, manage

TURN = """
SELECT t.status, t.attempt, m.text FROM chat_turn t JOIN chat_message m ON m.id = t.reply_id
WHERE t.id = %s
"""
MESSAGES = "SELECT count(*) FROM chat_message WHERE conversation_id = %s"


@pytest.fixture
def mortal(database: str, scripted_server: OpenAIServer) -> Iterator[ChatServer]:
    """A server that a test may end, with a short lease and a long drain."""
    settings = {
        "DATABASE_URL": database_url(database),
        "OPENAI_BASE_URL": scripted_server.base_url,
        "TURN_LEASE_SECONDS": "3",
        "DRAIN_SECONDS": "60",
    }
    with quiet(ChatServer(settings=settings)) as server:
        yield server


def test_living_server_says_ok(expert_server: ChatServer) -> None:
    response = httpx2.get(f"{expert_server.url}/healthz")

    assert (response.status_code, response.text) == (200, "ok")


def test_every_page_has_an_icon(expert_server: ChatServer) -> None:
    """The admin's pages name none, and browsers ask for this one."""
    response = httpx2.get(f"{expert_server.url}/favicon.ico", follow_redirects=True)

    assert response.status_code == 200
    assert response.headers["content-type"] == "image/svg+xml"


def test_server_whose_parts_work_is_ready(expert_server: ChatServer) -> None:
    response = httpx2.get(f"{expert_server.url}/readyz")

    assert (response.status_code, response.json()) == (
        200,
        {"ready": True, "failing": None, "degraded": []},
    )


async def test_server_without_its_database_says_so_and_recovers(knowledge: str) -> None:
    with new_database(knowledge) as name:
        settings = {"DATABASE_URL": database_url(name)}
        with ChatServer(settings=settings) as server:
            async with ChatClient(await Visitor.arrive(server)) as client:
                with without_connections(name):
                    alive = httpx2.get(f"{server.url}/healthz")
                    ready = httpx2.get(f"{server.url}/readyz")
                    accepted = asyncio.create_task(client.send("孩子总是撞头怎么办？"))
                    error = await client.frame("error")
                recovered = httpx2.get(f"{server.url}/readyz")
                await client.resend()
                ended = await client.end_of((await accepted)["turn"])

    assert (alive.status_code, ready.status_code, recovered.status_code) == (200, 503, 200)
    assert ready.json() == {"ready": False, "failing": "database", "degraded": []}
    assert (error["code"], ended["status"]) == ("unavailable", "done")
    assert not server.leaks


async def test_killed_server_takes_its_turn_up_again_at_its_next_start(
    mortal: ChatServer, model: Model, database: str
) -> None:
    model.script(
        Answer("This was said before the end.", gate=Latch(), gate_after=3),
        Answer("And this is all of it."),
    )
    async with ChatClient(await Visitor.arrive(mortal)) as client:
        accepted = await client.send("Will you survive this?")
        await client.until(lambda: client.text_of(accepted["turn"]))

        mortal.kill()
        mortal.start()
        await client.connect()
        await client.end_of(accepted["turn"])
        restarts = [f["event"] for f in client.all_of("event") if f["event"]["kind"] == "restarted"]

    assert restarts == [{"kind": "restarted", "keep": 0, "why": "worker_lost"}]
    assert rows(database, TURN, accepted["turn"]) == [("done", 2, "And this is all of it.")]
    assert rows(database, MESSAGES, accepted["conversation"]) == [(2,)]


async def test_reply_whose_events_are_gone_is_told_from_storage(
    mortal: ChatServer, model: Model
) -> None:
    model.script(Answer("First *this*.\n\nThen that."))
    alice = await Visitor.arrive(mortal)
    async with ChatClient(alice) as client:
        ended = await client.ask("Will you remember this?")
        talk, turn = client.conversation_of(ended["turn"]), ended["turn"]
        blocks = client.reply(turn).blocks

    mortal.kill()
    mortal.start()
    async with ChatClient(alice) as reader:
        await reader.subscribe(talk, turn={"id": turn, "cursor": "1-2"})
        again = await reader.end_of(turn)

    (snapshot,) = reader.all_of("snapshot")
    assert snapshot["text"] == "First *this*.\n\nThen that."
    assert [block["html"] for block in snapshot["blocks"]] == [block["html"] for block in blocks]
    assert again | {"after": ""} == ended | {"after": ""}


async def test_server_that_is_asked_to_end_says_goodbye_and_finishes_its_turns(
    mortal: ChatServer, model: Model, database: str
) -> None:
    gate = Latch()
    model.script(Answer("I finish what I began.", gate=gate, gate_after=2))
    alice = await Visitor.arrive(mortal)
    async with ChatClient(alice) as busy, ChatClient(alice) as idle:
        accepted = await busy.send("Do you leave me in the middle?")
        await busy.until(lambda: busy.text_of(accepted["turn"]))

        mortal.terminate()
        codes = [await client.close_code() for client in (busy, idle)]
        gate.open()
        exit_code = await asyncio.to_thread(mortal.wait)

    goodbyes = [client.frames[-1] for client in (busy, idle)]
    assert codes == [4012, 4012]
    assert [(each["type"], each["code"]) for each in goodbyes] == [("bye", "draining")] * 2
    assert all(0 < each["retry_ms"] <= 3000 for each in goodbyes)
    assert rows(database, TURN, accepted["turn"]) == [("done", 1, "I finish what I began.")]
    assert exit_code == 0


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
async def test_server_that_must_end_now_hands_its_turns_to_its_next_start(
    mortal: ChatServer, model: Model, database: str, signals: list[signal.Signals]
) -> None:
    model.script(
        Answer("This is never finished.", gate=Latch(), gate_after=2),
        Answer("This is finished later."),
    )
    async with ChatClient(await Visitor.arrive(mortal)) as client:
        accepted = await client.send("Do you have a minute?")
        await client.until(lambda: client.text_of(accepted["turn"]))

        for each in signals:
            mortal.send_signal(each)
            code = await client.close_code()  # two signals at once would be one
        exit_code = await asyncio.to_thread(mortal.wait)
        left = rows(database, TURN, accepted["turn"])
        mortal.start()
        await client.connect()
        await client.end_of(accepted["turn"])

    assert (code, exit_code, left[0][:2]) == (4012, 0, ("running", 1))
    assert rows(database, TURN, accepted["turn"]) == [("done", 2, "This is finished later.")]


def test_port_in_use_is_told_in_a_sentence(expert_server: ChatServer) -> None:
    second = expert_server.manage("serve")

    assert second.returncode == 1
    assert f"127.0.0.1:{expert_server.port}: [Errno 98] Address already in use" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"PORT": "abc"}, "PORT must be a whole number."),
        ({"PING_SECONDS": "0"}, "PING_SECONDS must be between 1 and 60."),
        (
            {"ALLOWED_ORIGINS": "chat.example.org"},
            "ALLOWED_ORIGINS must list origins as browsers send them, such as",
        ),
    ],
)
def test_wrong_setting_stops_the_start_with_a_sentence(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    finished = manage("serve", environment=environment(tmp_path) | settings)

    assert finished.returncode == 1
    assert finished.stderr.startswith(f"Expertline cannot start: {sentence}")
    assert finished.stderr.count("\n") == 1
    assert finished.stdout == ""
