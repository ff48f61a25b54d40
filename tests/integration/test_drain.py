"""Stopping well: `manage.py drain`, and what a server still does while it stops."""

import asyncio
import fcntl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress

import httpx2
import pytest

from tests.api_keys import new_key
from tests.chat_client import NO_TLS, ChatClient, Visitor
from tests.conftest import Model
from tests.databases import database_url, rows
from tests.latch import Latch
from tests.openai_script import Answer
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

BUSY_SECONDS = 15.0
"""It takes three at most where a machine has nothing else to do."""
REFUSAL = "Service Unavailable"
"""Django logs every 503, those that a server which stops gives on purpose as well."""
QUESTION = "Do you leave me in the middle?"
TURNS = """
SELECT t.id::text, t.status, t.attempt, m.text FROM chat_turn t JOIN chat_message m
ON m.id = t.reply_id
"""


@pytest.fixture
def mortal(database: str, scripted_server: OpenAIServer) -> Iterator[ChatServer]:
    settings = {
        "DATABASE_URL": database_url(database),
        "OPENAI_BASE_URL": scripted_server.base_url,
        "TURN_LEASE_SECONDS": "15",
        "DRAIN_SECONDS": "60",
    }
    with ChatServer(settings=settings) as server:
        yield server
    assert [complaint for complaint in server.complaints if REFUSAL not in complaint] == []
    assert not server.leaks


@pytest.fixture
async def callers(mortal: ChatServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=mortal.url, timeout=20, verify=NO_TLS) as client:
        yield client


@pytest.fixture
async def http(mortal: ChatServer) -> AsyncIterator[httpx2.AsyncClient]:
    """With a connection that is kept open, as proxies and health checks do."""
    async with httpx2.AsyncClient(base_url=mortal.url, timeout=20, verify=NO_TLS) as client:
        await client.get("/healthz")
        yield client


async def ready(http: httpx2.AsyncClient) -> httpx2.Response:
    return await http.get("/readyz")


async def until_draining(http: httpx2.AsyncClient) -> httpx2.Response:
    """A request at the very moment at which listening ends may be cut off: it is made again."""
    async with asyncio.timeout(BUSY_SECONDS):
        while True:
            with suppress(httpx2.ReadError):
                if (response := await ready(http)).status_code != 200:
                    return response


async def begun(client: ChatClient, turn: str) -> None:
    """Returns when the client has some text of the reply."""
    await client.until(lambda: client.text_of(turn))


# --- The command


async def test_drain_waits_until_replies_are_finished_and_the_process_has_ended(
    mortal: ChatServer, model: Model, database: str
) -> None:
    gate = Latch()
    model.script(Answer("I finish what I began.", gate=gate, gate_after=2))
    async with ChatClient(await Visitor.arrive(mortal)) as client:
        accepted = await client.send(QUESTION)
        await client.until(lambda: client.text_of(accepted["turn"]))

        draining = asyncio.create_task(asyncio.to_thread(mortal.manage, "drain"))
        code = await client.close_code()
        early = draining.done()
        gate.open()
        finished = await draining

    assert (code, early, finished.returncode) == (4012, False, 0)
    assert finished.stdout == f"Ended: port {mortal.port} (process {mortal.pid}).\n"
    assert mortal.wait() == 0
    assert rows(database, TURNS)[0][1:] == ("done", 1, "I finish what I began.")


async def test_drain_that_loses_patience_says_so_and_a_second_one_cuts_nothing_short(
    mortal: ChatServer, model: Model, database: str
) -> None:
    gate = Latch()
    model.script(Answer("I finish what I began.", gate=gate, gate_after=2))
    async with ChatClient(await Visitor.arrive(mortal)) as client:
        accepted = await client.send(QUESTION)
        await client.until(lambda: client.text_of(accepted["turn"]))

        hasty = [await asyncio.to_thread(mortal.manage, "drain", "--wait", "0.1") for _ in range(2)]
        gate.open()
        patient = await asyncio.to_thread(mortal.manage, "drain")

    sentence = f"Still running after 0.1 seconds: port {mortal.port} (process {mortal.pid})."
    assert [each.returncode for each in hasty] == [1, 1]
    assert [each.stderr.strip() for each in hasty] == [f"CommandError: {sentence}"] * 2
    assert (patient.returncode, mortal.wait()) == (0, 0)
    assert rows(database, TURNS)[0][1:] == ("done", 1, "I finish what I began.")


def test_drain_of_another_port_leaves_this_one_alone(mortal: ChatServer) -> None:
    finished = mortal.manage("drain", "--port", "1")

    assert (finished.returncode, finished.stdout) == (0, "Nothing is being served here.\n")
    assert httpx2.get(f"{mortal.url}/readyz").status_code == 200


def test_note_of_a_killed_process_never_leads_to_a_stranger(mortal: ChatServer) -> None:
    mortal.kill()
    (left,) = (mortal.folder / "serving").iterdir()
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    left.rename(left.with_name(f"{mortal.port}-{stranger.pid}.pid"))

    finished = mortal.manage("drain")

    stranger.communicate(b"\n")
    assert (finished.returncode, finished.stdout) == (0, "Nothing is being served here.\n")
    assert stranger.returncode == 0
    assert not list((mortal.folder / "serving").iterdir())


def test_process_of_another_machine_is_not_drained_from_here(mortal: ChatServer) -> None:
    mortal.stop()
    note = mortal.folder / "serving" / "8000-1.pid"
    with note.open("w", encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("web-2")
        held.flush()
        finished = mortal.manage("drain")

    assert finished.returncode == 1
    assert (
        finished.stderr
        == "CommandError: Port 8000 is served elsewhere, by web-2. Drain it there.\n"
    )


# --- Over HTTP


async def test_replies_over_http_are_finished_and_new_ones_refused(
    mortal: ChatServer,
    model: Model,
    database: str,
    callers: httpx2.AsyncClient,
    http: httpx2.AsyncClient,
) -> None:
    gate = Latch()
    model.script(*[Answer("Hold him. Then wait.", pieces=2, gate=gate, gate_after=1)] * 2)
    program = {"Authorization": f"Bearer {new_key(database, server=mortal)}"}
    asked = {"messages": [{"role": "user", "content": QUESTION}], "model": "expertline"}
    plain = asyncio.create_task(callers.post("/api/python", json={"content": QUESTION}))
    whole = asyncio.create_task(callers.post("/v1/chat/completions", json=asked, headers=program))
    await model.request(2)

    mortal.terminate()
    unready = await until_draining(http)
    refused = [
        await http.post("/api/python", json={"content": QUESTION}),
        await http.post("/v1/chat/completions", json=asked, headers=program),
    ]
    gate.open()
    text, completion = (await plain).text, (await whole).json()
    exit_code = await asyncio.to_thread(mortal.wait)

    assert (unready.status_code, unready.json()["failing"]) == (503, "draining")
    assert [each.status_code for each in refused] == [503, 503]
    assert [each.json()["error"]["code"] for each in refused] == ["draining"] * 2
    assert all(int(each.headers["retry-after"]) > 0 for each in refused)
    assert text == "Hold him. Then wait."
    assert completion["choices"][0]["message"]["content"] == "Hold him. Then wait."
    assert exit_code == 0


# --- Under load


async def test_two_hundred_sockets_are_told_soon(
    mortal: ChatServer, model: Model, database: str
) -> None:
    gate = Latch()
    model.script(*[Answer("I finish what I began.", gate=gate, gate_after=2)] * 20)
    visitors = [await Visitor.arrive(mortal) for _ in range(20)]
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(ChatClient(visitor))
            for visitor in visitors
            for _tab in range(10)
        ]
        askers = clients[::10]
        turns = [(await client.send(QUESTION))["turn"] for client in askers]
        await model.request(20)

        mortal.terminate()
        told = time.monotonic()
        codes = [await client.close_code() for client in clients]
        seconds = time.monotonic() - told
        gate.open()
        exit_code = await asyncio.to_thread(mortal.wait)

    waits = [client.frames[-1]["retry_ms"] for client in clients]
    assert {client.frames[-1]["type"] for client in clients} == {"bye"}
    assert (set(codes), exit_code) == ({4012}, 0)
    assert seconds < BUSY_SECONDS
    assert len(set(waits)) > 100, "They would all come back at once."
    assert {turn: status for turn, status, *_ in rows(database, TURNS)} == dict.fromkeys(
        turns, "done"
    )


async def test_streams_go_on_after_a_restart_with_nothing_missing_or_twice(
    mortal: ChatServer, model: Model, database: str
) -> None:
    """Half of them can finish while the server drains; the others are handed over."""
    gate, never = Latch(), Latch()
    model.script(
        *[Answer("What was begun is finished.", gate=gate, gate_after=2)] * 25,
        *[Answer("What is not finished is begun anew.", gate=never, gate_after=2)] * 25,
    )
    visitors = [await Visitor.arrive(mortal) for _ in range(50)]
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(ChatClient(each)) for each in visitors]
        turns = [(await client.send(QUESTION))["turn"] for client in clients]
        for client, turn in zip(clients, turns, strict=True):
            await begun(client, turn)

        model.script(*[Answer("What is not finished is begun anew.")] * 25)
        mortal.terminate()
        for client in clients:
            await client.close_code()
        gate.open()
        async with asyncio.timeout(20):
            while len(rows(database, f"{TURNS} WHERE t.status = 'done'")) < 25:
                await asyncio.sleep(0.05)
        mortal.terminate()
        exit_code = await asyncio.to_thread(mortal.wait)
        mortal.start()
        await asyncio.gather(*(client.connect() for client in clients))
        for client, turn in zip(clients, turns, strict=True):
            await client.end_of(turn)
        shown = {turn: client.text_of(turn) for client, turn in zip(clients, turns, strict=True)}

    stored = {
        turn: (text, status, attempt) for turn, status, attempt, text in rows(database, TURNS)
    }
    assert exit_code == 0
    assert {turn: text for turn, (text, *_) in stored.items()} == shown
    assert sorted(set(stored.values())) == [
        ("What is not finished is begun anew.", "done", 2),
        ("What was begun is finished.", "done", 1),
    ]
