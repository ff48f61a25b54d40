"""Several server processes that share a database, a Redis and a provider, all of which may fail."""

import os
import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.chat_client import ChatClient, Visitor
from tests.faults.postgres_server import PostgresServer
from tests.faults.proxy import Proxy
from tests.faults.redis_server import RedisServer
from tests.faults.tab import Tab
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

LEASE_SECONDS = 3
SETTINGS = {
    "TURN_LEASE_SECONDS": str(LEASE_SECONDS),
    "PING_SECONDS": "2",
    "DRAIN_SECONDS": "60",
    "SENDS_PER_MINUTE": "100000",
    "SENDS_PER_MINUTE_PER_IP": "100000",
    "SOCKET_FRAMES_PER_SECOND": "1000",
    "CHAT_MAX_SOCKETS_PER_VISITOR": "1000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A way to a server that leads through a proxy."""

    server: ChatServer
    proxy: Proxy

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.proxy.port}/ws/chat/"


class Cluster:
    """Runs while the `with` block does. Between it and its services stands a proxy for each.

    Without `redis` it is one process with its log in memory.
    """

    def __init__(
        self,
        postgres: PostgresServer,
        provider: OpenAIServer,
        *,
        redis: RedisServer | None = None,
        count: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.postgres = postgres
        self.provider = provider
        self.redis = redis
        self.calls_before = 0
        """Of the provider, which a test has nothing to do with."""
        self.servers: list[ChatServer] = []
        self.dice = random.Random(0)  # noqa: S311  (no secret)
        self._count = count
        self._usual = SETTINGS | dict(settings or {})
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack as stack:
            self.database = stack.enter_context(self.postgres.database())
            self.to_postgres = stack.enter_context(Proxy(self.postgres.port))
            self._usual |= {
                "DATABASE_URL": self.postgres.url(self.database, self.to_postgres.port),
                "OPENAI_BASE_URL": self.provider.base_url,
            }
            if self.redis:
                self.to_redis = stack.enter_context(Proxy(self.redis.port))
                self._usual["REDIS_URL"] = f"redis://127.0.0.1:{self.to_redis.port}/0"
                self._usual["REDIS_PREFIX"] = self.database
            self.servers = [ChatServer(settings=self._usual) for _ in range(self._count)]
            private = self.servers[0].private
            for server in self.servers:
                server.private = private
                stack.callback(server.__exit__)
            with ThreadPoolExecutor() as threads:
                list(threads.map(ChatServer.start, self.servers))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    async def visitor(self) -> Visitor:
        return await Visitor.arrive(self.servers[0])

    def client(self, visitor: Visitor, index: int = 0) -> ChatClient:
        return ChatClient(visitor, entrance=self.servers[index])

    def tab(self, visitor: Visitor, *indices: int) -> Tab:
        """A client that comes back to any of these processes, or to any at all."""
        servers = [self.servers[index] for index in indices] or self.servers
        return Tab(visitor, servers, self.dice)

    @contextmanager
    def door(self, index: int = 0) -> Iterator[Door]:
        """A way to one process that a test may break."""
        server = self.servers[index]
        with Proxy(server.port) as proxy:
            yield Door(server=server, proxy=proxy)

    def restart(self, index: int, **settings: str) -> None:
        """Kill this process if it still runs, and start it with these settings besides."""
        server = self.servers[index]
        if server.running:
            server.kill()
        server.settings = {**self._usual, **settings}
        server.start()

    def mend(self) -> None:
        """Everything as at the beginning, whatever a test has done to it."""
        self.to_postgres.mend()
        self.postgres.mend()
        if self.redis:
            self.to_redis.mend()
            self.redis.mend()
        for index, server in enumerate(self.servers):
            if server.running:
                server.thaw()
            if not server.running or server.settings != self._usual:
                self.restart(index)

    @contextmanager
    def locked_conversation(self, conversation: str) -> Iterator[None]:
        """Nothing can be stored in the conversation until the block ends."""
        with self.postgres.connection(self.database) as connection, connection.transaction():
            connection.execute(
                "SELECT 1 FROM chat_conversation WHERE id = %s FOR UPDATE", [conversation]
            )
            yield

    def end_session(self, visitor: Visitor) -> None:
        """As if it had expired."""
        key = visitor.cookie.partition("=")[2]
        with self.postgres.connection(self.database) as connection:
            connection.execute("DELETE FROM django_session WHERE session_key = %s", [key])

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self.postgres.rows(self.database, statement, *values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a process holds, as the kernel sees it."""

    resident_bytes: int
    open_files: int

    @classmethod
    def of(cls, pid: int) -> Self:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return cls(
            resident_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
            open_files=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        )
