"""Keys for /v1 in the database of a served process, and what is stored of their use."""

import asyncio
import uuid
from typing import Any

from chat.api_keys import hashed
from tests.databases import rows
from tests.serving import ChatServer

WAIT_SECONDS = 20


def new_key(database: str, *, server: ChatServer | None = None, footer: bool = False) -> str:
    """A key that works, and that no log of the server may hold."""
    secret = f"el-{uuid.uuid4().hex}"
    rows(
        database,
        "INSERT INTO chat_apikey (name, start, hash, footer, created_at, requests, input_tokens,"
        " output_tokens, cost) VALUES (%s, %s, %s, %s, now(), 0, 0, 0, 0) RETURNING id",
        *("a program", secret[:9], hashed(secret), footer),
    )
    if server:
        server.private.add(secret)
    return secret


def revoke(database: str, secret: str) -> None:
    rows(
        database,
        "UPDATE chat_apikey SET revoked_at = now() WHERE hash = %s RETURNING id",
        hashed(secret),
    )


async def use_of(database: str, secret: str, *, requests: int) -> tuple[Any, ...]:
    """Input tokens, output tokens and time of the last use, once so many replies are counted."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            [(counted, *use)] = rows(
                database,
                "SELECT requests, input_tokens, output_tokens, last_used_at FROM chat_apikey"
                " WHERE hash = %s",
                hashed(secret),
            )
            if counted == requests:
                return tuple(use)
            await asyncio.sleep(0.02)
