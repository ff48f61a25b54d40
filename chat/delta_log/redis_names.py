"""Names, entries and connections in Redis, in one place for writer and reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chat.delta_log.bells import Bell, Changed, StopWanted, TurnsLeft

CONNECT_SECONDS = 3
WRITE_SECONDS = 3
READ_BLOCK_MS = 2000
READ_SECONDS = 6
"""More than a read blocks, or every quiet moment would look like a dead server."""


Entries = Sequence[tuple[bytes, Mapping[bytes, bytes]]]
"""Of a stream: each one's id and fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """`prefix` keeps installations apart that share a Redis; `process` is the one that asks."""

    prefix: str
    process: str

    def turn(self, turn: UUID) -> str:
        return f"{self.prefix}:turn:{turn}"

    @property
    def bells(self) -> str:
        return f"{self.prefix}:bells"

    @property
    def wake(self) -> str:
        """Written by a process to end its own blocking read."""
        return f"{self.prefix}:wake:{self.process}"


def client(url: str, *, answer_seconds: float) -> Redis:
    """One connection. Without the library's own retries: they take seconds and send twice."""
    made: Redis = Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),
        single_connection_client=True,
        protocol=2,
    )
    return made


async def newest_id(client: Redis, key: str) -> str | None:
    """Of the stream's last entry, if it has one."""
    found = cast(Entries, await client.xrevrange(key, count=1))
    return found[0][0].decode() if found else None


async def read(
    client: Redis, places: Mapping[str, str], *, count: int, block_ms: int
) -> list[tuple[str, Entries]]:
    """What comes after these places, as soon as there is something, or after `block_ms`."""
    wanted: dict[Any, Any] = dict(places)
    found: Any = await client.xread(wanted, count=count, block=block_ms)
    return [(key.decode(), entries) for key, entries in found]


Bytes: TypeAlias = "bytes | bytearray | memoryview[int] | str | float"
Fields: TypeAlias = "dict[Bytes, Bytes]"
"""As the library wants to have them typed."""


def bell_fields(bell: Bell) -> Fields:
    match bell:
        case Changed():
            deleted: Fields = {"deleted": "1"} if bell.deleted else {}
            return {"changed": str(bell.conversation), "rev": str(bell.rev), **deleted}
        case StopWanted():
            return {"stop": str(bell.turn)}
        case TurnsLeft():
            return {"left": "1"}


def bell_of(entry: Mapping[bytes, bytes]) -> Bell | None:
    """None for a bell that only a later version knows."""
    try:
        if b"changed" in entry:
            conversation = UUID(entry[b"changed"].decode())
            rev, deleted = int(entry[b"rev"]), b"deleted" in entry
            return Changed(conversation=conversation, rev=rev, deleted=deleted)
        if b"stop" in entry:
            return StopWanted(turn=UUID(entry[b"stop"].decode()))
    except (KeyError, ValueError):
        return None
    return TurnsLeft() if b"left" in entry else None
