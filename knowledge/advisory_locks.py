"""Locks of the database that stand for no row. Their numbers are Expertline's own.

A session's lock is tried and never waited for inside a statement: CREATE INDEX CONCURRENTLY waits
for all statements that run, so that two such processes would wait for each other.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

SET_UP_LOCK = 7_203_810
"""Processes that start at once set up in turn."""
SPACES_LOCK = 7_203_811
"""Two processes that meet a new embedder make its space once."""
INGEST_LOCK = 7_203_812
"""One ingest at a time."""
EDITS_LOCK = 7_203_821
"""Shared by everyone who stores vectors; a switch of the active space has it alone."""
INDEX_LOCK = 7_203_822
"""One process builds vector indexes."""
REEMBED_LOCK = 7_203_823
CALIBRATION_LOCK = 7_203_824
"""One server looks after the bars."""
# 7_203_825 is held by the triggers that count terms (migration 0004), and by nobody else.
BARS_LOCK = 7_203_826
"""Whoever stores bars does it alone."""
POLL_SECONDS = 0.5


@contextmanager
def if_free(key: int) -> Iterator[bool]:
    """Hold a lock of the database session; False if somebody else does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        got = cursor.fetchone() == (True,)
    try:
        yield got
    finally:
        if got and connection.is_usable():  # else it went with its session or goes with its block
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


@contextmanager
def when_free(key: int, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock of the database session; `waiting` is told if somebody else has it first."""
    told = False
    while True:
        with if_free(key) as free:
            if free:
                yield
                return
        if not told:
            waiting()
            told = True
        time.sleep(POLL_SECONDS)


def hold_if_free(key: int) -> bool:
    """Alone until the transaction ends; False, and nobody has waited, if others hold it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [key])
        return bool(cursor.fetchone() == (True,))


def hold_alone(key: int) -> None:
    """Until the transaction ends; waits for everyone who shares it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def hold_shared(key: int) -> None:
    """Until the transaction ends; waits only for one who holds it alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [key])
