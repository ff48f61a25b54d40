"""The one door from async code to the ORM.

Worker threads of our own, not asgiref's single shared one: there, one slow query freezes every
socket of the process. Their connections stay open and are checked before use, so that a restart of
Postgres costs nobody an error (a pool's back-off would outlast it). Cancelling a caller does not
cancel its SQL, so whatever is written here must be idempotent or fenced.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from channels.db import DatabaseSyncToAsync
from django.conf import settings
from django.db import close_old_connections, connection, connections, transaction

P = ParamSpec("P")
T = TypeVar("T")

IDLE_SECONDS = 5


@contextmanager
def brief_transaction() -> Iterator[None]:
    """`transaction.atomic`, which Postgres ends should its process say nothing for IDLE_SECONDS.

    Otherwise a process that is frozen in it keeps its locks, and nobody can take its turns over.
    """
    begins = not connection.in_atomic_block
    with transaction.atomic():
        if begins:
            with connection.cursor() as cursor:
                limit = f"{IDLE_SECONDS}s"
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = %s", [limit])
        yield


@cache
def workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(
        settings.DATABASE_THREADS, thread_name_prefix="database", initializer=keep_connections
    )


@cache
def embedding_workers() -> ThreadPoolExecutor:
    """Apart, so that a slow embedder does not keep messages from being stored."""
    return ThreadPoolExecutor(
        settings.EMBEDDING_THREADS, thread_name_prefix="embedding", initializer=keep_connections
    )


def keep_connections() -> None:
    """Let this thread's connections live as long as it does, each checked before use."""
    for each in connections.all():
        each.settings_dict = {
            **each.settings_dict,
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": True,
        }


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking ORM code in a worker thread."""
    run = DatabaseSyncToAsync(function, thread_sensitive=False, executor=workers())
    return await run(*args, **kwargs)


async def let_go_of_connection() -> None:
    """Of the one that the request's own thread may have: Django would close it only when the
    response has been told, and a reply takes as long as it takes."""
    await sync_to_async(close_old_connections)()


async def in_embedder(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking embedding (and the lookup of its space) in a worker thread."""
    run = DatabaseSyncToAsync(function, thread_sensitive=False, executor=embedding_workers())
    return await run(*args, **kwargs)
