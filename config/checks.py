"""Start-up checks of the project: the database that search needs."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections

LEAST_PGVECTOR = (0, 8, 4)
"""Earlier ones corrupt HNSW indexes or overflow in parallel builds."""


@register(Tags.database)
def check_database(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Runs before `migrate`, so that what is missing is told in a sentence."""
    return [found for alias in databases or [] for found in check_one(alias)]


def check_one(alias: str) -> list[CheckMessage]:
    with connections[alias].cursor() as cursor:
        try:
            cursor.execute(
                "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
            )
            version = cursor.fetchone()
            cursor.execute("SELECT '知' ~ '^[[:alpha:]]$'")
            (letters,) = cursor.fetchone() or (False,)
        except DatabaseError:
            return []
    return [*check_pgvector(version[0] if version else None), *check_locale(knows_letters=letters)]


def check_pgvector(version: str | None) -> list[CheckMessage]:
    if version and tuple(int(part) for part in version.split(".")) >= LEAST_PGVECTOR:
        return []
    least = ".".join(map(str, LEAST_PGVECTOR))
    return [
        Error(
            f"Postgres has {'pgvector ' + version if version else 'no pgvector'}.",
            hint=f"Install the extension `vector` {least} or newer on the database server.",
            id="config.E001",
        )
    ]


def check_locale(*, knows_letters: bool) -> list[CheckMessage]:
    if knows_letters:
        return []
    return [
        Error(
            "The database's character type knows no letters beyond ASCII, so Chinese fails.",
            hint="Create the database with LC_CTYPE 'C.UTF-8' from template0.",
            id="config.E002",
        )
    ]
