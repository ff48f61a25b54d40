"""Reads a LangChain or Supabase table of documents out of a Postgres of somebody else.

What is wrong is said without the address, which may hold a password, and without the driver's text.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from knowledge.importers.files import KnowledgeFile, usable_source

SCHEMES = ("postgres://", "postgresql://")
TABLE = "documents"
COLUMNS = ("id", "content", "metadata")
EMBEDDING = "embedding"
ROWS_AT_ONCE = 1_000
CONNECT_SECONDS = 10
NOT_A_URL = (
    "The address of a Postgres is written postgresql://user:password@host:5432/database, with"
    " ?table=name for a table that is not called “documents”."
)

Connection = psycopg.Connection[tuple[Any, ...]]
Progress = Callable[[int, None], None]


class UnreadableTableError(Exception):
    """There is no such table, or it may not be read; the sentence says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where documents are. `login` is what libpq needs to get there, with its secrets."""

    login: Mapping[str, Any]
    name: tuple[str, ...]

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(*self.name)

    def __str__(self) -> str:
        host = self.login.get("host") or "this machine"
        return f"table {'.'.join(self.name)} of {self.login.get('dbname', '')} on {host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """A copy of a table's rows. `embedded` tells if the table has vectors, which are left there."""

    file: KnowledgeFile
    embedded: bool


def is_address(path: str) -> bool:
    return path.lower().startswith(SCHEMES)


def table_at(url: str) -> Table:
    """The table that a URL means: `?table=schema.name`, without a schema by the search path.

    Raises UnreadableTableError.
    """
    address, _, query = url.partition("?")
    parameters = query.split("&") if query else []
    named = [each for each in parameters if each.startswith("table=")]
    others = "&".join(each for each in parameters if each not in named)
    try:
        login = conninfo_to_dict(f"{address}?{others}")
    except psycopg.Error:
        raise UnreadableTableError(NOT_A_URL) from None  # its text quotes the address
    names = tuple(unquote(named[-1].removeprefix("table=") if named else TABLE).split("."))
    if not 1 <= len(names) <= 2 or not all(names) or not login.get("dbname"):  # noqa: PLR2004
        raise UnreadableTableError(NOT_A_URL)
    defaults = {"connect_timeout": CONNECT_SECONDS, "client_encoding": "utf8"}
    return Table(login=defaults | login, name=names)


@contextmanager
def documents(
    table: Table, *, source: str, columns: Mapping[str, str], progress: Progress
) -> Iterator[Documents]:
    """The table's rows as they are at this moment, in a temporary file.

    Holds a transaction that only reads, no longer than copying takes. Raises UnreadableTableError.
    """
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="expertline-", suffix=".documents"
    ) as copy:
        embedded = copied(table, copy, progress)
        copy.flush()
        file = KnowledgeFile(
            path=Path(copy.name),
            name=str(table),
            source=usable_source(source or table.name[-1]),
            format="documents",
            columns=columns,
        )
        yield Documents(file=file, embedded=embedded)


def copied(table: Table, copy: IO[str], progress: Progress) -> bool:
    """Write a line a row; whether the table has embeddings."""
    try:
        with connected(table) as connection:
            present = columns_of(connection, table)
            for done, row in enumerate(rows(connection, table, present), start=1):
                copy.write(f"{json.dumps(row, ensure_ascii=False)}\n")
                progress(done, None)
    except psycopg.Error as error:
        raise UnreadableTableError(reason(error, table)) from None
    except UnicodeDecodeError:
        raise UnreadableTableError(f"The {table} has bytes that are not text.") from None
    except OSError as error:
        message = f"The {table} cannot be copied to a temporary file: {error.strerror}."
        raise UnreadableTableError(message) from error
    return EMBEDDING in present


def connected(table: Table) -> Connection:
    connection: Connection = psycopg.connect(**table.login, prepare_threshold=None)
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def columns_of(connection: Connection, table: Table) -> set[str]:
    statement = sql.SQL("SELECT * FROM {} LIMIT 0").format(table.identifier)
    description = connection.execute(statement).description or []
    present = {column.name for column in description}
    missing = [f"“{name}”" for name in COLUMNS if name not in present and name != "metadata"]
    if missing:
        raise UnreadableTableError(
            f"The {table} has no column {' and no column '.join(missing)}; a table of documents"
            " has id, content and metadata."
        )
    return present


def rows(connection: Connection, table: Table, present: set[str]) -> Iterator[list[Any]]:
    """[id, content, metadata], in the order of ids."""
    metadata = sql.SQL("metadata::jsonb::text" if "metadata" in present else "NULL")
    statement = sql.SQL("SELECT id::text, content::text, {} FROM {} ORDER BY id").format(
        metadata, table.identifier
    )
    with connection.cursor(name="expertline_documents") as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(statement)
        yield from map(list, cursor)


def reason(error: psycopg.Error, table: Table) -> str:
    """What happened, in our words: the driver's may quote what somebody wrote."""
    match error:
        case errors.UndefinedTable() | errors.InvalidSchemaName():
            return f"There is no {table}. Name another one with ?table=name."
        case errors.InsufficientPrivilege():
            return f"The user of the address may not read the {table}."
        case errors.InvalidTextRepresentation() | errors.CannotCoerce():
            return f"The column “metadata” of the {table} is not JSON."
        case _ if error.sqlstate:
            return f"The {table} cannot be read (Postgres says {error.sqlstate})."
    return (
        f"No connection for the {table}, or it was lost. Check host, port, user, password, database"
        " and sslmode of the address."
    )
