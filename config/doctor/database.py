"""Postgres: reachable, with what search needs, and lasting sessions."""

import time
from collections.abc import Iterator

from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from config.doctor.findings import Finding, ok, problem, warning
from config.embedded.errors import EmbeddedPostgresError
from knowledge.database_needs import ITERATIVE_SCAN, DatabaseFacts, facts, lacks

SKEW_SECONDS = 5
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
"""That the program needs on its tables."""


def database() -> Iterator[Finding]:
    """Raises DatabaseError where it refuses what no user needs a right for."""
    unreachable = connecting()
    if unreachable:
        yield unreachable
        return
    found = facts(connection)
    yield ok("database", f"PostgreSQL {found.postgres} answers, in {found.encoding}")
    yield from needs(found)
    yield pooling()
    yield clock()
    yield from schema(found)


def connecting() -> Finding | None:
    """Why the database cannot be asked anything."""
    try:
        connection.ensure_connection()
    except EmbeddedPostgresError as error:  # its sentences are for the operator
        return problem("database", f"The embedded Postgres does not start: {error}")
    except DatabaseError:
        return problem(
            "database",
            "The database cannot be reached or refuses.",
            "Look at DATABASE_URL, and whether its server runs and lets this machine in.",
        )
    return None


def needs(found: DatabaseFacts) -> Iterator[Finding]:
    lacking = lacks(found)
    for lack in lacking:
        tell = problem if lack.needed else warning
        yield tell("database", lack.message, lack.remedy)
    if not lacking:
        version = found.pgvector or found.offered_pgvector
        yield ok("pgvector", f"pgvector {version}, and a character type that knows Chinese")


def pooling() -> Finding:
    """Whether another client is given the session that is ours: then nothing set in it lasts."""
    if shares_sessions(connection):
        return problem(
            "sessions",
            "A pooler in transaction mode stands before the database: locks and settings of a"
            " session do not last, which `ingest`, `set_up` and `evaluate` need.",
            "Connect directly, or set the pooler to session mode.",
        )
    return ok("sessions", "A session lasts as long as its connection")


def shares_sessions(first: BaseDatabaseWrapper) -> bool:
    """Idle sessions of a pooler are lent to whoever comes next; the first client gets another."""
    second = first.copy()
    try:
        before = session_of(first)
        with second.cursor() as cursor:
            cursor.execute("BEGIN")
            theirs = session_of(second)
            after = session_of(first)
            cursor.execute("ROLLBACK")
    finally:
        second.close()
    return before in (theirs,) or before != after


def session_of(connection: BaseDatabaseWrapper) -> tuple[object, ...]:
    """The process that serves it, and when that one began: numbers are used again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        )
        return tuple(cursor.fetchone() or ())


def clock() -> Finding:
    with connection.cursor() as cursor:
        began = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        (theirs,) = cursor.fetchone() or (began,)
        ended = time.time()
    skew = max(began - float(theirs), float(theirs) - ended, 0.0)
    if skew > SKEW_SECONDS:
        return warning(
            "clock",
            f"This machine's clock and the database's are {skew:.0f} seconds apart.",
            "Let both follow a time server (NTP).",
        )
    return ok("clock", "The same as the database's")


def schema(found: DatabaseFacts) -> Iterator[Finding]:
    forbidden = forbidden_tables()
    if forbidden:
        yield problem(
            "rights",
            f"The database's user may not read and write {forbidden[0]}"
            f"{f' and {len(forbidden) - 1} more tables' if len(forbidden) > 1 else ''}.",
            f"As their owner: GRANT {', '.join(RIGHTS)} ON ALL TABLES IN SCHEMA public TO it.",
        )
        return
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        yield problem("migrations", f"{missing} are not applied.", "Run `manage.py set_up`.")
        yield from rights_to_migrate(found)
        return
    yield ok("migrations", "All applied")
    yield right_to_evaluate(found)
    yield iterative_scan()


def rights_to_migrate(found: DatabaseFacts) -> Iterator[Finding]:
    if not found.may_make_tables:
        yield problem(
            "rights",
            "The database's user may not make tables.",
            "As the owner: GRANT CREATE ON SCHEMA public TO that user.",
        )
    if not found.owner:
        yield problem(
            "rights",
            "The database's user does not own the database, which the first migration needs.",
            "As a superuser: ALTER DATABASE … OWNER TO that user.",
        )


def right_to_evaluate(found: DatabaseFacts) -> Finding:
    if not found.may_make_schemas:
        return warning(
            "rights",
            "The database's user may not make schemas, which `manage.py evaluate` needs.",
            "As the database's owner: GRANT CREATE ON DATABASE … TO that user.",
        )
    return ok("rights", "The database's user may do what is needed")


def forbidden_tables() -> list[str]:
    tables = connection.introspection.django_table_names(only_existing=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS tables (name) WHERE NOT ("
            "SELECT bool_and(has_table_privilege(name, needed)) FROM unnest(%s::text[]) needed)",
            [tables, list(RIGHTS)],
        )
        return [name for (name,) in cursor.fetchall()]


def iterative_scan() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT '[1]'::vector, current_setting('hnsw.iterative_scan', true)")
        _, mode = cursor.fetchone() or (None, None)
    if mode != ITERATIVE_SCAN:
        return problem(
            "index scans",
            "hnsw.iterative_scan is not set, so that a large base loses search results.",
            f"As the owner: ALTER DATABASE … SET hnsw.iterative_scan = {ITERATIVE_SCAN};",
        )
    return ok("index scans", f"hnsw.iterative_scan is {ITERATIVE_SCAN}")
