"""The HNSW index of a space, built when exact search grows too slow.

Loading vectors into a space that has its index takes ten times as long: load first.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection
from psycopg import sql

from knowledge.advisory_locks import INDEX_LOCK, if_free
from knowledge.models import AnswerVector, EmbeddingSpace

INDEX_FROM = 16_000
"""Vectors: well before retrieval's EXACT_UP_TO, from which on a search counts on the index."""
ROOM_PER_VECTOR = 1_000
"""Bytes of memory beside the vector itself while an index is built."""
MOST_ROOM = 1024**3

ESTIMATE_SECONDS = 10.0
ESTIMATED = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'knowledge_answervector'::regclass"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
CREATE = """
CREATE INDEX {concurrently} {name} ON knowledge_answervector
USING hnsw ((embedding::halfvec({dimensions})) halfvec_cosine_ops) WHERE space_id = {space}
"""
DROP = "DROP INDEX {concurrently} IF EXISTS {name}"


class Estimate:
    """About how many vectors there are, as this process last saw it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._vectors = 0
        self._fresh_until = 0.0

    def vectors(self) -> int:
        """At most ESTIMATE_SECONDS old. Blocks."""
        with self._lock:
            if time.monotonic() < self._fresh_until:
                return self._vectors
        with connection.cursor() as cursor:
            cursor.execute(ESTIMATED)
            (rows,) = cursor.fetchone() or (0,)
        with self._lock:
            self._vectors = int(rows)
            self._fresh_until = time.monotonic() + ESTIMATE_SECONDS
        return int(rows)

    def forget(self) -> None:
        """Look again at the next call."""
        with self._lock:
            self._fresh_until = 0.0


estimate = Estimate()


def ensure_index(space: EmbeddingSpace) -> bool:
    """Give a space with many vectors its index; False while another process builds one.

    Searches and edits go on meanwhile, except inside a transaction. What a killed build left behind
    is built anew. Small spaces need none.
    """
    if indexed(space):
        return True
    vectors = AnswerVector.objects.filter(space=space).count()
    if vectors < INDEX_FROM:
        return True
    with if_free(INDEX_LOCK) as free:
        if free and not indexed(space):
            build(space, vectors)
            estimate.forget()
        return free


def indexed(space: EmbeddingSpace) -> bool:
    """Whether its index is there and whole."""
    with connection.cursor() as cursor:
        cursor.execute(VALID, [index_name(space)])
        return bool(cursor.fetchone() == (True,))


def drop_index(space: EmbeddingSpace) -> None:
    execute(DROP, space, concurrently=not connection.in_atomic_block)


def build(space: EmbeddingSpace, vectors: int) -> None:
    """Beside searches and edits if that can be."""
    drop_index(space)
    if connection.in_atomic_block:
        create_at_once(space)
        return
    with room(vectors * (2 * space.dimensions + ROOM_PER_VECTOR)):
        try:
            execute(CREATE, space, concurrently=True)
        except OperationalError:  # no shared memory for workers, or a process that waits for us
            drop_index(space)
            with setting("max_parallel_maintenance_workers", "0"):
                execute(CREATE, space, concurrently=False)


def create_at_once(space: EmbeddingSpace) -> None:
    """In a transaction, which must not have foreign keys to check yet."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute(CREATE, space, concurrently=False)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def execute(statement: str, space: EmbeddingSpace, *, concurrently: bool) -> None:
    composed = sql.SQL(statement).format(
        concurrently=sql.SQL("CONCURRENTLY" if concurrently else ""),
        name=sql.Identifier(index_name(space)),
        dimensions=sql.Literal(space.dimensions),
        space=sql.Literal(space.pk),
    )
    with connection.cursor() as cursor:
        cursor.execute(composed)


def index_name(space: EmbeddingSpace) -> str:
    return f"vector_hnsw_space_{space.pk}"


@contextmanager
def room(size: int) -> Iterator[None]:
    """Memory for a build, if the server would give less: a graph that fits is built much faster."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_size_bytes(current_setting('maintenance_work_mem'))")
        (given,) = cursor.fetchone() or (0,)
    wanted = max(min(size, MOST_ROOM), given)
    with setting("maintenance_work_mem", f"{wanted // 1024}kB"):
        yield


@contextmanager
def setting(name: str, value: str) -> Iterator[None]:
    """A setting of the database session, until the block ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("RESET {}").format(sql.Identifier(name)))
