"""The life of an embedded server: started by its first user, stopped when the last one leaves."""

import atexit
import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from config.embedded.binaries import find_binaries
from config.embedded.cluster import SUPERUSER
from config.embedded.errors import EmbeddedPostgresError
from config.embedded.launch import POLL_SECONDS, PORT, running_postmaster
from config.embedded.place import Place, find_place
from config.embedded.postmaster import Postmaster

MAINTENANCE_DATABASE = "postgres"
STOP_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a project may choose.

    `durable=False` trades safety from a crash of the machine for speed; the process that starts
    the server decides. `shared` is where sockets go whose path in `home` is too long, and what
    root's server cannot reach in a private `home`; by default a folder in the temporary place.
    """

    home: Path
    durable: bool = True
    shared: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where libpq finds the server: `host` is the folder of its socket."""

    host: str
    port: int = PORT
    user: str = SUPERUSER


class Server:
    """This process's use of one server.

    Every user holds a shared lock, which the kernel frees however the process ends. Whoever gets
    it exclusively is the last one; while that one stops the server, newcomers wait for the lock.
    """

    def __init__(self, place: Place, *, durable: bool) -> None:
        self._place = place
        self._durable = durable
        self._databases = {MAINTENANCE_DATABASE}
        self._users = _open_lock(place.folder / "users.lock")
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def address(self, database: str) -> Address:
        """Cheap while the server runs: one small file and one look at its process."""
        postmaster = Postmaster.find(self._place.data)
        if postmaster is None or not postmaster.ready or database not in self._databases:
            with self._starting_alone():
                postmaster = running_postmaster(self._place, durable=self._durable)
                self._ensure_database(_address(postmaster), database)
        return _address(postmaster)

    def leave(self) -> None:
        with suppress(BlockingIOError):  # somebody else still uses it
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._stop()
        self.forget()

    def forget(self) -> None:
        os.close(self._users)

    @contextmanager
    def _starting_alone(self) -> Iterator[None]:
        lock = _open_lock(self._place.folder / "start.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _ensure_database(self, address: Address, name: str) -> None:
        if name in self._databases:
            return
        with psycopg.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            dbname=MAINTENANCE_DATABASE,
            autocommit=True,
        ) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        self._databases.add(name)

    def _stop(self) -> None:
        postmaster = Postmaster.find(self._place.data)
        if postmaster is None or not postmaster.visible:
            return
        os.kill(postmaster.pid, signal.SIGINT)  # ends every connection and stops cleanly
        deadline = time.monotonic() + STOP_SECONDS
        while Postmaster.find(self._place.data) is not None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


class Memberships:
    """The servers that this process uses, by home."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[Path, Server] = {}

    def address(self, options: Options, database: str) -> Address:
        home = options.home.resolve()
        with self._lock:
            if home not in self._servers:
                place = find_place(home, options.shared, find_binaries())
                self._servers[home] = Server(place, durable=options.durable)
            return self._servers[home].address(database)

    def leave(self) -> None:
        with self._lock:
            while self._servers:
                self._servers.popitem()[1].leave()

    def forget(self) -> None:
        """A forked child is no user until it opens a connection of its own, and stops nothing."""
        for server in self._servers.values():
            server.forget()
        self._lock = threading.Lock()
        self._servers = {}


_memberships = Memberships()
os.register_at_fork(after_in_child=_memberships.forget)


def running_address(options: Options, database: str = MAINTENANCE_DATABASE) -> Address:
    """Where the server of `options.home` answers: started, and `database` made, if need be.

    May take seconds the first time. Safe in threads and in several processes at once.
    """
    try:
        return _memberships.address(options, database)
    except (OSError, subprocess.SubprocessError, psycopg.Error) as error:
        raise EmbeddedPostgresError(
            f"The embedded Postgres in {options.home} cannot be used: {error}"
        ) from error


@atexit.register
def stop_if_last() -> None:
    """End this process's use, and stop what nobody else uses; runs at the interpreter's exit.

    The default action of SIGTERM skips that: a program should turn it into SystemExit, as manage.py
    does. A server left running so is joined by its next user and stopped when that one leaves.
    """
    _memberships.leave()


def _address(postmaster: Postmaster) -> Address:
    return Address(host=str(postmaster.socket_folder))


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
