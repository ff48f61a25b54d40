"""A knowledge base that nothing else sees, in the same database, gone in the end.

It is a schema of its own with copies of the knowledge app's tables, put first on the search path of
every connection that this process has or opens meanwhile. Whoever migrated the database may make
it: no other database is needed. Its owner holds an advisory lock, by which the next one knows what
a killed one left behind.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.apps import apps
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg import sql

from knowledge.models import EmbeddingSpace

PREFIX = "expertline_scratch_"
LOCK_SPACE = 7_203_813
"""First key of the advisory locks; the second is the hash of a schema's name."""
ABANDONED = """
WITH ours AS MATERIALIZED (
    SELECT nspname FROM pg_namespace
    WHERE starts_with(nspname, %(prefix)s) AND pg_has_role(nspowner, 'usage')
)
SELECT nspname FROM ours WHERE pg_try_advisory_lock(%(space)s, hashtext(nspname))
"""
ALL_LIKE = "CREATE TABLE {copy} (LIKE {table} INCLUDING ALL)"
RENUMBER = "ALTER TABLE {spaces} ALTER COLUMN id RESTART WITH {first}"
FIRST_SPACE = 1_000_000_000
"""Spaces here have other numbers than live ones: a space's index is named by its number, and a name
that is not in the scratch schema would be looked for beyond it."""
TRIGGERS = """
SELECT replace(
    pg_get_triggerdef(t.oid),
    format(' ON %%I.%%I ', n.nspname, c.relname),
    format(' ON %%I.%%I ', %(schema)s::text, c.relname)
)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgrelid = ANY (%(tables)s::regclass[]) AND NOT t.tgisinternal
"""
HNSW = """
SELECT i.indexrelid::regclass::text FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND m.amname = 'hnsw'
"""


class ScratchBaseError(Exception):
    """The scratch base cannot be made; the sentence says what to do."""


@contextmanager
def scratch_base() -> Iterator[str]:
    """The knowledge app's tables are empty copies until the block ends; the schema's name."""
    schema = f"{PREFIX}{secrets.token_hex(8)}"
    sweep(connection)
    path = search_path()

    def look_there_first(connection: BaseDatabaseWrapper, **_: Any) -> None:
        set_search_path(f"{schema}, {path}", connection)

    try:
        make(schema)
        connection_created.connect(look_there_first)
        look_there_first(connection)
        yield schema
    finally:
        connection_created.disconnect(look_there_first)
        remove(schema, path)


def make(schema: str) -> None:
    try:
        lock(schema)
        copy_tables(schema)
    except OperationalError:
        raise
    except DatabaseError as error:
        raise ScratchBaseError(
            "No scratch tables could be made. The database's user needs the right CREATE on the"
            " database, and the tables must be there: run `manage.py doctor`."
        ) from error


def copy_tables(schema: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        for table in tables():
            names = {"copy": sql.Identifier(schema, table), "table": sql.Identifier(table)}
            cursor.execute(sql.SQL(ALL_LIKE).format(**names))
        spaces = sql.Identifier(schema, EmbeddingSpace._meta.db_table)
        first = sql.Literal(FIRST_SPACE + secrets.randbelow(FIRST_SPACE))
        cursor.execute(sql.SQL(RENUMBER).format(spaces=spaces, first=first))
        cursor.execute(HNSW, [schema])
        for (index,) in cursor.fetchall():  # copies of the live spaces' would only cost time
            cursor.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(index)))
    copy_triggers(schema)


def copy_triggers(schema: str) -> None:
    """LIKE leaves them out. What they call finds its tables by the search path."""
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS, {"schema": schema, "tables": tables()})
        for (copy,) in cursor.fetchall():
            cursor.execute(copy)


def remove(schema: str, path: str) -> None:
    """Also after an error, and over a new connection if the old one is lost."""
    try:
        drop(schema, path)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            return  # its end undoes everything
        connection.close()
        with suppress(DatabaseError):  # the next scratch base sweeps it up
            drop(schema, path)


def drop(schema: str, path: str) -> None:
    set_search_path(path, connection)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
    unlock(schema, connection)


def sweep(using: BaseDatabaseWrapper) -> None:
    """Remove what killed evaluations left behind."""
    with using.cursor() as cursor:
        cursor.execute(ABANDONED, {"prefix": PREFIX, "space": LOCK_SPACE})
        abandoned = [name for (name,) in cursor.fetchall()]
        for name in abandoned:
            cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))
            unlock(name, using)


def analyze() -> None:
    """Tell the planner about the copies: nobody else would before the evaluation is over."""
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


def lock(schema: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [LOCK_SPACE, schema])


def unlock(schema: str, using: BaseDatabaseWrapper) -> None:
    with using.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [LOCK_SPACE, schema])


def search_path() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        (path,) = cursor.fetchone() or ("",)
    return str(path)


def set_search_path(path: str, connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('search_path', %s, false)", [path])


def tables() -> list[str]:
    models = apps.get_app_config("knowledge").get_models(include_auto_created=True)
    return [model._meta.db_table for model in models]
