"""docs/reference_client.py does what protocol.md asks of a client, against the real server."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from docs.reference_client import Client
from tests.conftest import Model, quiet
from tests.databases import database_url, rows
from tests.latch import Latch
from tests.openai_script import Answer
from tests.openai_server import OpenAIServer
from tests.serving import PROJECT, ChatServer

LIMIT_SECONDS = 20
QUESTION = "What shall I do when he runs away?"
REPLY = "Hold him. Then wait until he is calm. 🙂 Then talk."
MESSAGES = "SELECT count(*) FROM chat_message WHERE conversation_id = %s"


@pytest.fixture
def mortal(database: str, scripted_server: OpenAIServer) -> Iterator[ChatServer]:
    settings = {
        "DATABASE_URL": database_url(database),
        "OPENAI_BASE_URL": scripted_server.base_url,
        "TURN_LEASE_SECONDS": "3",
    }
    with quiet(ChatServer(settings=settings)) as server:
        server.private.add(QUESTION)
        yield server


async def until(fact: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not fact():
            await asyncio.sleep(0.01)


async def asked(client: Client, server: ChatServer) -> "asyncio.Task[str]":
    """A question whose reply has begun to come."""
    server.private.add(QUESTION)
    reply = asyncio.create_task(asyncio.to_thread(client.ask, QUESTION))
    await until(lambda: getattr(client, "text", ""))
    return reply


async def cut(client: Client) -> None:
    """The connection breaks without a word. Returns when the client has another one."""
    broken = client.socket
    broken.socket.shutdown(socket.SHUT_RDWR)
    await until(lambda: client.socket is not broken)


def test_reply_is_printed(model_server: ChatServer, model: Model) -> None:
    model.script(Answer(REPLY))
    model_server.private.add(QUESTION)

    finished = subprocess.run(
        [sys.executable, "docs/reference_client.py", model_server.url, QUESTION],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )

    assert (finished.stdout, finished.stderr) == (f"{REPLY}\n", "")


async def test_reply_is_whole_though_the_connection_broke_in_the_middle(
    model_server: ChatServer, model: Model, model_database: str
) -> None:
    gate = Latch()
    model.script(Answer(REPLY, gate=gate, gate_after=3))
    client = Client(model_server.url)
    reply = await asked(client, model_server)

    for _ in range(3):
        await cut(client)
    gate.open()

    assert await reply == REPLY
    assert rows(model_database, MESSAGES, client.conversation) == [(2,)]


async def test_question_that_nobody_heard_is_asked_later(
    mortal: ChatServer, model: Model, database: str
) -> None:
    model.script(Answer(REPLY))
    client = Client(mortal.url)
    mortal.stop()

    reply = asyncio.create_task(asyncio.to_thread(client.ask, QUESTION))
    await until(lambda: getattr(client, "outbox", None))
    mortal.start()

    assert await reply == REPLY
    assert rows(database, MESSAGES, client.conversation) == [(2,)]


async def test_reply_that_is_begun_anew_replaces_what_was_there(
    mortal: ChatServer, model: Model
) -> None:
    model.script(Answer("This is never finished.", gate=Latch(), gate_after=2), Answer(REPLY))
    reply = await asked(Client(mortal.url), mortal)

    mortal.kill()
    mortal.start()

    assert await reply == REPLY


async def test_reply_that_ended_in_absence_is_told_from_storage(
    mortal: ChatServer, model: Model, database: str
) -> None:
    gate = Latch()
    model.script(Answer(REPLY, gate=gate, gate_after=2))
    reply = await asked(Client(mortal.url), mortal)

    mortal.terminate()
    gate.open()
    await asyncio.to_thread(mortal.wait)
    mortal.start()

    assert await reply == REPLY


async def test_reply_with_another_checksum_is_fetched(
    model_server: ChatServer, model: Model
) -> None:
    gate = Latch()
    model.script(Answer(REPLY, gate=gate, gate_after=3))
    client = Client(model_server.url)
    reply = await asked(client, model_server)

    client.text = "Something else."
    gate.open()

    assert await reply == REPLY


async def test_question_that_is_refused_is_an_error(model_server: ChatServer) -> None:
    with pytest.raises(RuntimeError, match="write something"):
        await asyncio.to_thread(Client(model_server.url).ask, " ")
