"""`manage.py doctor` on installations that lack something, each in a real Postgres."""

import json
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from pytest_django import Settings

from chat.turn.events import TextDelta
from chat.turn.language_model import ModelEvent, ModelRequest, UpstreamError
from config.doctor.findings import Finding
from config.doctor.model import language_model
from config.doctor.redis_server import redis_server as examined_redis
from tests.databases import administer, database_url, new_database, parameters, rows
from tests.faults.redis_server import RedisServer
from tests.serving import environment, free_port, manage
from tests.transaction_pooler import TransactionPooler

SECRET = "hunter2-hunter2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What the doctor said about an installation."""

    code: int
    output: str
    levels: dict[str, set[str]]
    """What was found of each part."""

    @property
    def problems(self) -> set[str]:
        return {part for part, levels in self.levels.items() if "problem" in levels}


Doctor = Callable[..., Examined]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    def examined(url: str, **settings: str) -> Examined:
        variables = environment(tmp_path) | {"DATABASE_URL": url} | settings
        finished = manage("doctor", "--json", environment=variables)
        told = json.loads(finished.stdout)
        assert told["healthy"] == (finished.returncode == 0)
        levels: dict[str, set[str]] = {}
        for finding in told["findings"]:
            levels.setdefault(finding["part"], set()).add(finding["level"])
        return Examined(
            code=finished.returncode, output=finished.stdout + finished.stderr, levels=levels
        )

    return examined


@pytest.fixture
def healthy(database: str) -> str:
    """A database with published answers. Copying it has lost what was set on the database."""
    administer(
        sql.SQL("ALTER DATABASE {} SET hnsw.iterative_scan = strict_order").format(
            sql.Identifier(database)
        )
    )
    return database


@pytest.fixture
def role() -> Iterator[str]:
    """An account that may only sign in."""
    name = f"weak_{uuid.uuid4().hex[:8]}"
    administer(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
    yield name
    administer(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def as_role(url: str, role: str) -> str:
    return f"postgresql://{role}@/{urlsplit(url).path[1:]}?{urlsplit(url).query}"


def empty_database(name: str, options: str) -> None:
    administer(
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 {}").format(
            sql.Identifier(name), sql.SQL(options)
        )
    )


def test_healthy_installation_has_no_problem(healthy: str, doctor: Doctor) -> None:
    found = doctor(database_url(healthy))

    assert found.problems == set(), found.output
    assert found.code == 0
    assert {"database", "migrations", "rights", "embedder", "knowledge", "bars"} <= set(
        found.levels
    )


def test_setting_that_a_restored_database_lost_is_a_problem(database: str, doctor: Doctor) -> None:
    found = doctor(database_url(database))

    assert found.problems == {"index scans"}
    assert found.code == 1


def test_answer_that_cannot_be_found_is_a_problem(healthy: str, doctor: Doctor) -> None:
    rows(healthy, "DELETE FROM knowledge_answervector RETURNING id")

    assert doctor(database_url(healthy)).problems == {"knowledge"}


def test_bars_that_were_never_learnt_are_a_problem(healthy: str, doctor: Doctor) -> None:
    rows(healthy, "UPDATE knowledge_embeddingspace SET calibrated_at = NULL RETURNING id")

    assert doctor(database_url(healthy)).problems == {"bars"}


def test_role_without_rights_is_told(healthy: str, role: str, doctor: Doctor) -> None:
    found = doctor(as_role(database_url(healthy), role))

    assert found.problems == {"rights"}
    assert "GRANT SELECT, INSERT, UPDATE, DELETE" in found.output


def test_role_that_may_only_use_the_tables_can_serve_but_not_evaluate(
    healthy: str, role: str, doctor: Doctor
) -> None:
    grant = sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}")
    with psycopg.connect(dbname=healthy, **parameters()) as connection:
        connection.execute(grant.format(sql.Identifier(role)))

    found = doctor(as_role(database_url(healthy), role))

    with psycopg.connect(dbname=healthy, **parameters()) as connection:
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
    assert found.problems == set()
    assert found.levels["rights"] == {"warning"}


def test_empty_database_without_the_extension_is_told(role: str, doctor: Doctor) -> None:
    with new_database() as name:
        found = doctor(as_role(database_url(name), role))

    assert found.problems == {"database", "migrations", "rights"}
    assert "CREATE EXTENSION vector" in found.output
    assert "OWNER TO" in found.output


def test_database_that_takes_chinese_for_no_letters_is_told(doctor: Doctor) -> None:
    name = f"ctype_{uuid.uuid4().hex[:8]}"
    empty_database(name, "LC_COLLATE 'C' LC_CTYPE 'C' ENCODING 'UTF8'")
    try:
        found = doctor(database_url(name))
    finally:
        administer(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))

    assert {"database", "migrations"} == found.problems
    assert "LC_CTYPE 'C.UTF-8'" in found.output


def test_database_that_cannot_be_reached_is_told(doctor: Doctor) -> None:
    url = f"postgresql://nobody:{SECRET}@127.0.0.1:{free_port()}/nowhere"

    found = doctor(url)

    assert found.problems == {"database"}
    assert SECRET not in found.output
    assert "Traceback" not in found.output


def test_pooler_in_transaction_mode_is_told(healthy: str, doctor: Doctor) -> None:
    login = parameters()
    server = str(Path(login["host"]) / f".s.PGSQL.{login.get('port', 5432)}")

    with TransactionPooler(server=server, user=login["user"], database=healthy) as pooler:
        found = doctor(pooler.url)

    assert found.problems == {"sessions"}, found.output


def test_settings_that_let_strangers_in_are_told(healthy: str, doctor: Doctor) -> None:
    found = doctor(
        database_url(healthy),
        SECRET_KEY="x" * 50,
        ALLOWED_HOSTS="127.0.0.1",
        ALLOWED_ORIGINS="http://chat.example.org",
        DEBUG="true",
    )

    assert found.problems == {"secret key", "hosts", "debug"}
    assert found.levels["origins"] == {"warning"}
    assert "x" * 50 not in found.output


def levels(findings: Iterator[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def test_redis_that_answers_is_fine(redis: RedisServer, settings: Settings) -> None:
    settings.REDIS_URL = redis.url

    assert levels(examined_redis()) == ["ok"]


def test_redis_that_may_evict_replies_is_a_warning(redis: RedisServer, settings: Settings) -> None:
    settings.REDIS_URL = redis.url
    redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")

    found = levels(examined_redis())

    redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert found == ["ok", "warning"]


def test_redis_that_is_away_is_a_problem(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://:{SECRET}@127.0.0.1:{free_port()}/0"

    (found,) = examined_redis()

    assert found.level == "problem"
    assert SECRET not in f"{found.message} {found.remedy}"


class Model:
    """Says a word, or fails with a code."""

    name = "tested"

    def __init__(self, code: str = "") -> None:
        self._code = code

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        assert request.messages
        if self._code:
            raise UpstreamError(self._code)
        yield TextDelta(text="ok")


def test_model_that_begins_to_reply_is_fine() -> None:
    assert language_model(Model()).level == "ok"


@pytest.mark.parametrize("code", ["upstream_rate_limited", "upstream_timeout", "upstream_error"])
def test_model_that_fails_is_a_problem(code: str) -> None:
    found = language_model(Model(code))

    assert found.level == "problem"
    assert code not in found.message


def test_installation_without_a_model_is_fine() -> None:
    assert language_model(None).level == "ok"
