"""A Postgres of the tests' own on a TCP port, which may be stopped under its users."""

import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from config.embedded.account import ENVIRONMENT
from config.embedded.binaries import find_binaries
from config.embedded.cluster import SUPERUSER, ensure_cluster
from config.embedded.launch import SETTINGS, UNSAFE_SETTINGS
from config.embedded.place import find_place
from tests.serving import free_port, new_folder

START_SECONDS = 60
STOP_SECONDS = 60
TEMPLATE = "knowledge"
FOR_A_SAFE_MACHINE = ("fsync", "full_page_writes")
"""Off, they lose nothing while the machine lives. What was committed must outlive the server."""
ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
"""Only the server's account reaches the socket; on the port anybody of this machine could try."""


class PostgresServer:
    """Runs while the `with` block does, in a folder that is removed afterwards."""

    def __init__(self) -> None:
        self._folder = new_folder()
        self._place = find_place(self._folder / "home", self._folder / "shared", find_binaries())
        self._password = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def __enter__(self) -> Self:
        try:
            ensure_cluster(self._place)
            (self._place.data / "pg_hba.conf").write_text(ACCESS)
            self._launch()
            self._set_password()
            self._wait_until_it_answers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        self._launch()
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Ends every connection and stops cleanly."""
        self._end(signal.SIGINT)

    def restart_at_once(self) -> None:
        """As after a crash: connections break, and the log is replayed."""
        self._end(signal.SIGQUIT)
        self.start()

    def mend(self) -> None:
        """Running again."""
        if self._process is None:
            self.start()

    def url(self, database: str, port: int | None = None) -> str:
        """A value for DATABASE_URL, through a proxy if its port is given."""
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{port or self.port}/{database}"

    def rows(self, database: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What a statement finds, over a connection of its own."""
        with self.connection(database) as connection:
            return connection.execute(statement.encode(), values or None).fetchall()

    def connection(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.url(database), autocommit=True)

    def prepare(self, source: Mapping[str, Any]) -> None:
        """Make the template like another server's database, which `source` says how to reach."""
        self._administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        address = {name: str(source[name]) for name in ("host", "port", "user", "dbname")}
        dump = self._client("pg_dump", make_conninfo(**address), password=source.get("password"))
        self._client("psql", "-q", self.url(TEMPLATE), said=dump, password=self._password)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The name of a copy of the template."""
        name = f"served_{uuid4().hex[:12]}"
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._administer(create.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        yield name
        self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _client(
        self, program: str, *arguments: str, said: bytes = b"", password: str | None
    ) -> bytes:
        finished = subprocess.run(
            [self._place.binaries.program(program), *arguments],
            input=said,
            capture_output=True,
            env=ENVIRONMENT | ({"PGPASSWORD": password} if password else {}),
            check=True,
        )
        return finished.stdout

    def _administer(self, statement: sql.Composed) -> None:
        with self.connection() as connection:
            connection.execute(statement)

    def _launch(self) -> None:
        place = self._place
        settings = SETTINGS | {name: UNSAFE_SETTINGS[name] for name in FOR_A_SAFE_MACHINE}
        settings |= {"listen_addresses": "127.0.0.1", "port": str(self.port)}
        settings |= {"unix_socket_directories": str(place.data), "max_connections": "200"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with place.log.open("ab") as log:
            self._process = subprocess.Popen(
                [place.binaries.program("postgres"), "-D", place.data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
                cwd="/",
                user=place.account.uid,
                group=place.account.gid,
                extra_groups=None if place.account.uid is None else [],
                umask=0o077,
                start_new_session=True,
            )

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(STOP_SECONDS)
            self._process = None

    def _set_password(self) -> None:
        socket = make_conninfo(
            host=str(self._place.data), port=self.port, user=SUPERUSER, dbname="postgres"
        )
        self._until(lambda: psycopg.connect(socket).close())
        with psycopg.connect(socket, autocommit=True) as connection:
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(
                statement.format(sql.Identifier(SUPERUSER), sql.Literal(self._password))
            )

    def _wait_until_it_answers(self) -> None:
        self._until(lambda: self.connection().close())

    def _until(self, attempt: Callable[[], object]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                attempt()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return
