"""`manage.py ingest postgresql://…`: a table of documents in somebody else's Postgres."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from knowledge.importers import postgres
from knowledge.models import Answer
from tests.databases import administer, database_url, new_database, parameters
from tests.integration.ingesting import command, said

pytestmark = pytest.mark.django_db
PASSWORD = "Tr0ub4dor&3"


@pytest.fixture(scope="module")
def supabase(django_db_setup: None) -> Iterator[str]:
    """A database with LangChain's table in it."""
    with new_database() as name:
        with connected(name) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            for table in ("documents", '"Odd ""; DROP TABLE documents; --"'):
                connection.execute(
                    f"CREATE TABLE {table} (id bigserial PRIMARY KEY, content text,"
                    " metadata jsonb, embedding vector(3))"
                )
            connection.execute("CREATE SCHEMA clinic")
            connection.execute("CREATE TABLE clinic.faq (id uuid, content text, metadata json)")
            connection.execute("CREATE TABLE notes (id int, body text)")
        yield name


@contextmanager
def connected(name: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dbname=name, autocommit=True, **parameters()) as connection:
        yield connection


@pytest.fixture
def table(supabase: str) -> Iterator[str]:
    """The database, whose documents are gone after the test."""
    yield supabase
    with connected(supabase) as connection:
        connection.execute("TRUNCATE documents RESTART IDENTITY")


def add(name: str, content: str | None, **metadata: object) -> None:
    with connected(name) as connection:
        connection.execute(
            "INSERT INTO documents (content, metadata, embedding) VALUES (%s, %s, '[1,2,3]')",
            [content, json.dumps(metadata)],
        )


def address(name: str, **query: str) -> str:
    url = database_url(name)
    return url + "".join(f"&{key}={value}" for key, value in query.items())


def test_rows_become_answers_known_by_their_ids(table: str) -> None:
    add(table, "question: 孩子不说话怎么办？\nanswer: 先做听力检查。", category="语言", page=3)
    add(table, "Offer one new food.", title="My child eats only rice.")

    report, code = command(address(table))
    again, _ = command(address(table))

    assert (code, report["created"], again["unchanged"]) == (0, 2, 2)
    answers = Answer.objects.filter(source="documents").order_by("pk")
    assert [(answer.external_id, answer.text, answer.topic) for answer in answers] == [
        ("1", "先做听力检查。", "语言"),
        ("2", "Offer one new food.", ""),
    ]
    assert report["ignored_fields"] == ["metadata.page"]


def test_report_says_that_the_embeddings_are_not_used(table: str) -> None:
    add(table, "question: q answer: a")

    assert "The embeddings of the table documents" in said(address(table))


def test_rows_that_cannot_be_read_are_named_by_their_place(table: str) -> None:
    add(table, "question: q answer: a")
    add(table, "Lost words.")

    report, code = command(address(table))

    assert (code, report["refused"], report["invalid"]) == (1, True, 1)
    assert [error["line"] for error in report["errors"]] == [2]
    assert not Answer.objects.exists()


def test_columns_can_be_mapped(table: str) -> None:
    add(table, "question: q answer: a", Thema="Schlaf", url="no address")

    command(address(table), "--map", "Thema=topic", "--map", "url=ignore", "--source", "faq")

    assert Answer.objects.get(source="faq").topic == "Schlaf"


def test_table_of_another_schema_can_be_named(supabase: str) -> None:
    with connected(supabase) as connection:
        connection.execute(
            "INSERT INTO clinic.faq VALUES (gen_random_uuid(), 'question: q answer: a', NULL)"
        )

    report, code = command(address(supabase, table="clinic.faq"))

    assert (code, report["created"], report["notes"]) == (0, 1, [])
    assert Answer.objects.get().source == "faq"


def test_name_of_a_table_is_never_a_statement(table: str) -> None:
    add(table, "question: q answer: a")

    report, code = command(address(table, table="Odd%20%22%3B%20DROP%20TABLE%20documents%3B%20--"))

    assert (code, report["read"]) == (0, 0)
    assert command(address(table))[0]["created"] == 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("missing", "There is no table missing"),
        ("no.such", "There is no table no.such"),
        ("notes", "no column “content”"),
        ("a.b.c", "is written postgresql://"),
        ("", "is written postgresql://"),
    ],
)
def test_table_that_cannot_be_read_is_told(supabase: str, query: str, message: str) -> None:
    output = said(address(supabase, table=query) if query else "postgresql://")

    assert message in output
    assert "Traceback" not in output


def test_user_who_may_not_read_is_told(supabase: str) -> None:
    reader = sql.Identifier(f"reader_of_{supabase}")
    administer(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(reader, sql.Literal(PASSWORD)))
    login = parameters() | {"user": f"reader_of_{supabase}", "password": PASSWORD}
    url = f"postgresql:///{supabase}?" + "&".join(f"{key}={value}" for key, value in login.items())
    try:
        output = said(url.replace("&3", "%263"))
    finally:
        administer(sql.SQL("DROP ROLE {}").format(reader))

    assert "may not read the table documents" in output
    assert PASSWORD not in output


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:{password}@127.0.0.1:1/base",
        "postgresql://me:{password}@127.0.0.1:notaport/base",
        "postgresql://me:{password}@127.0.0.1:1/base?nonsense={password}",
        "postgresql://me:{password}@[::1/base",
    ],
)
def test_password_of_an_address_is_never_shown(url: str) -> None:
    output = said(url.format(password=PASSWORD))

    assert output
    assert PASSWORD not in output


def test_table_is_only_read(table: str) -> None:
    found = postgres.table_at(address(table))

    with (
        postgres.connected(found) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("DELETE FROM documents")
