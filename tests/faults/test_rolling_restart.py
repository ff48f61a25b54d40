"""Two processes behind nginx are restarted one after the other while two hundred people chat."""

import asyncio
import os
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress

import pytest

from tests.chat_client import new_id
from tests.faults.cluster import Cluster
from tests.faults.observer import StandingError, assert_standing
from tests.faults.postgres_server import PostgresServer
from tests.faults.redis_server import RedisServer
from tests.faults.tab import Tab
from tests.nginx_server import NginxServer, NoNginxError
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

ORIGIN = "http://chat.example.org"
PEOPLE = 200
PATIENCE_SECONDS = 120
"""On a busy machine; how soon is for others to test."""
STARTING_SECONDS = 20
READING_SECONDS = 40
"""Everybody asks within the first, and then thinks for at most the second before the next."""


@pytest.fixture
def cluster(
    postgres: PostgresServer, redis: RedisServer, provider: OpenAIServer
) -> Iterator[Cluster]:
    settings = {
        "ALLOWED_ORIGINS": ORIGIN,
        "ALLOWED_HOSTS": "127.0.0.1",
        "TRUSTED_PROXIES": "127.0.0.1",
        "TURN_LEASE_SECONDS": "15",
        "DRAIN_SECONDS": "15",
        "MODEL_CONNECT_SECONDS": "60",  # the provider is in this very process
        "MODEL_FIRST_TOKEN_SECONDS": "120",
        "MODEL_PROGRESS_SECONDS": "120",
    }
    with Cluster(postgres, provider, redis=redis, count=2, settings=settings) as cluster:
        yield cluster


@pytest.fixture
def nginx(cluster: Cluster) -> Iterator[NginxServer]:
    try:
        nginx = NginxServer(*(server.port for server in cluster.servers), origin=ORIGIN)
    except NoNginxError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
    with nginx:
        yield nginx


async def test_nothing_is_lost_or_doubled(cluster: Cluster, nginx: NginxServer) -> None:
    over = asyncio.Event()
    async with AsyncExitStack() as stack:
        tabs = [Tab(await cluster.visitor(), [nginx], cluster.dice) for _ in range(PEOPLE)]
        await asyncio.gather(*(stack.enter_async_context(tab) for tab in tabs))
        async with asyncio.TaskGroup() as chats:
            for tab in tabs:
                chats.create_task(chat(tab, cluster.dice, over))
            for server in cluster.servers * 2:
                await asyncio.to_thread(restart, server)
            over.set()
        await assert_standing(cluster, *tabs, seconds=PATIENCE_SECONDS)

    endings = dict(cluster.rows("SELECT status, count(*) FROM chat_turn GROUP BY status"))
    welcomes = sum(len(tab.all_of("welcome")) for tab in tabs)
    assert endings.keys() == {"done"}
    assert endings["done"] >= PEOPLE
    assert welcomes >= 2 * PEOPLE, "They were never sent away."


def restart(server: ChatServer) -> None:
    server.terminate()
    server.wait(PATIENCE_SECONDS)
    server.start()


async def chat(tab: Tab, dice: random.Random, over: asyncio.Event) -> None:
    """Ask, read, think, ask again."""
    conversation, asked = new_id(), 0
    await pause(over, dice.uniform(0, STARTING_SECONDS))
    while not (asked and over.is_set()):
        asked += 1
        await ask(tab, f"What comes after {asked} of {conversation}?", conversation)
        await pause(over, dice.uniform(2, READING_SECONDS))


async def ask(tab: Tab, text: str, conversation: str) -> None:
    id_ = await tab.ask_soon(text, conversation)
    (accepted,) = await tab.until(lambda: tab.all_of("accepted", id=id_)[:1], PATIENCE_SECONDS)
    turn = accepted["turn"]
    try:
        await tab.until(lambda: tab.finished(turn), PATIENCE_SECONDS)
    except TimeoutError as error:
        told = [frame for frame in tab.frames if frame["type"] != "ping"]
        raise StandingError(f"No end of turn {turn}: {tab.wrongs} {told[-9:]}") from error


async def pause(over: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), seconds)
