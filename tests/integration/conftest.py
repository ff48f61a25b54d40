"""A Redis of the tests' own, the delta logs on it, and a thread for what they do in Postgres."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
from django.db import connections
from pytest_django import Settings

from chat.database import in_database, workers
from chat.delta_log.base import DeltaLog
from chat.delta_log.memory import MemoryDeltaLog
from chat.delta_log.redis import RedisDeltaLog
from tests.faults.redis_server import RedisServer
from tests.integration.log_owner import PREFIX


@pytest.fixture
async def database_thread(settings: Settings) -> AsyncIterator[None]:
    """One worker thread, whose connection is closed in the end: the database is dropped then."""
    settings.DATABASE_THREADS = 1
    workers.cache_clear()
    yield
    await in_database(connections.close_all)
    workers().shutdown()
    workers.cache_clear()


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> RedisServer:
    """Awake, running and empty."""
    redis_server.mend()
    redis_server.command("FLUSHALL")
    return redis_server


@pytest.fixture
async def open_log(redis: RedisServer) -> AsyncIterator[Callable[[], RedisDeltaLog]]:
    """Each call is another process's log."""
    async with AsyncExitStack() as stack:

        def opened() -> RedisDeltaLog:
            log = RedisDeltaLog(redis.url, prefix=PREFIX)
            log.begin()
            stack.push_async_callback(log.close)
            return log

        yield opened


@pytest.fixture(params=["memory", "redis", "redis, another process"])
async def logs(
    request: pytest.FixtureRequest, open_log: Callable[[], RedisDeltaLog]
) -> tuple[DeltaLog, DeltaLog]:
    """The owner's and a reader's."""
    match request.param:
        case "memory":
            log: DeltaLog = MemoryDeltaLog()
            return log, log
        case "redis":
            log = open_log()
            return log, log
    return open_log(), open_log()
