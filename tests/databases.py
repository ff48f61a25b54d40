"""Databases for server processes, made in the Postgres that the test run uses. Needs no pytest."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from django.db import connections
from psycopg import sql

WAIT_SECONDS = 20


@contextmanager
def new_database(template: str = "template1") -> Iterator[str]:
    """The name of a copy of `template`, which nobody may be connected to; dropped in the end."""
    name = f"served_{uuid.uuid4().hex[:12]}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
    administer(create.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield name
    finally:
        administer(drop.format(sql.Identifier(name)))


def database_url(name: str) -> str:
    """A value for DATABASE_URL."""
    login = parameters()
    account = ":".join(quote(login[key], safe="") for key in ("user", "password") if login.get(key))
    address = urlencode({"host": login.get("host", ""), "port": login.get("port", 5432)})
    return f"postgresql://{account}@/{name}?{address}"


def rows(database: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """What a statement finds, over a connection of its own."""
    with psycopg.connect(dbname=database, **parameters()) as connection:
        return connection.execute(statement.encode(), values).fetchall()


class HeldLock:
    """Something in a database that others wait for."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
        self._connection = connection

    async def until_others_wait(self, count: int) -> None:
        """Returns when so many transactions of this database wait for a lock."""
        async with asyncio.timeout(WAIT_SECONDS):
            while await self._waiting() < count:
                await asyncio.sleep(0.01)

    async def _waiting(self) -> int:
        found = await self._connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        (count,) = await found.fetchone() or (0,)
        return int(count)


@asynccontextmanager
async def locked_conversation(database: str, conversation: str) -> AsyncIterator[HeldLock]:
    """Nothing can be stored in the conversation until the block ends."""
    async with await psycopg.AsyncConnection.connect(dbname=database, **parameters()) as connection:
        await connection.execute(
            "SELECT 1 FROM chat_conversation WHERE id = %s FOR UPDATE", [conversation]
        )
        yield HeldLock(connection)


@contextmanager
def without_connections(name: str) -> Iterator[None]:
    """Nobody can use the database until the block ends."""
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    end = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
    administer(allow.format(sql.Identifier(name), sql.SQL("false")))
    administer(end.format(sql.Literal(name)))
    try:
        yield
    finally:
        administer(allow.format(sql.Identifier(name), sql.SQL("true")))


def administer(statement: sql.Composed) -> None:
    with psycopg.connect(dbname="postgres", autocommit=True, **parameters()) as connection:
        connection.execute(statement)


def parameters() -> dict[str, Any]:
    """How to reach the Postgres of the settings, which starts if it is the embedded one."""
    known = connections["default"].get_connection_params()
    return {key: known[key] for key in ("host", "port", "user", "password") if known.get(key)}
