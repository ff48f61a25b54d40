"""A machine for tests of the embedded Postgres: a folder, and real processes that use a server."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select
from typing import Any

import django

PROJECT = Path(__file__).resolve().parents[2]
SITE_PACKAGES = Path(django.__file__).parents[1]
LIMIT_SECONDS = 60


class Client:
    """A process that uses the server: see embedded_client.py for the commands it takes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def send(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def receive(self) -> Any:
        """The next answer; a client gives one line a command, so nothing waits unread behind it."""
        assert self.process.stdout is not None
        ready, _, _ = select([self.process.stdout], [], [], LIMIT_SECONDS)
        assert ready, "the client did not answer in time"
        return json.loads(self.process.stdout.readline())

    def ask(self, command: str) -> Any:
        self.send(command)
        return self.receive()

    def value(self, statement: str) -> Any:
        return self.ask(statement)[0][0]

    def leave(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(LIMIT_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT_SECONDS)


class Machine:
    """A folder of its own for one test or a few, and everything that runs there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.shared = folder / "shared"
        self.clients: list[Client] = []

    def client(
        self,
        *,
        options: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        command: tuple[str, ...] = (sys.executable,),
    ) -> Client:
        """A new process; `options` add to the database's, `command` is what Python is run by."""
        defaults = {"home": str(self.home), "shared": str(self.shared), "durable": False}
        database = {
            "ENGINE": "config.embedded",
            "NAME": "expertline",
            "OPTIONS": {**defaults, **(options or {})},
        }
        arguments = [json.dumps(database), *([user] if user else [])]
        process = subprocess.Popen(
            [*command, "-m", "tests.integration.embedded_client", *arguments],
            cwd=PROJECT,
            env={"PATH": os.defpath, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        client = Client(process)
        self.clients.append(client)
        return client

    def postmaster(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    @property
    def data(self) -> Path:
        return next(self.home.glob("pg[0-9]*"))

    def processes(self, word: str = "") -> set[int]:
        """Processes that name this folder, and `word`, on their command line."""
        found = set()
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (path / "cmdline").read_bytes()
                if os.fsencode(self.folder) in command and word.encode() in command:
                    found.add(int(path.name))
        return found

    def kill_all(self) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually(lambda: not self.processes())

    def servers(self) -> set[int]:
        return self.processes("\0-D\0")

    def let_everybody_leave(self) -> None:
        for client in self.clients:
            if client.process.poll() is None:
                client.leave()
            for stream in (client.process.stdin, client.process.stdout):
                with suppress(BrokenPipeError):
                    stream.close()  # type: ignore[union-attr]
        self.clients.clear()


def eventually(fact: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not fact():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def new_machine() -> Iterator[Machine]:
    folder = Path(tempfile.mkdtemp(prefix="expertline-"))
    folder.chmod(0o755)  # other users' servers live here too
    machine = Machine(folder)
    try:
        yield machine
        machine.let_everybody_leave()
    finally:
        machine.kill_all()
        machine.let_everybody_leave()
        shutil.rmtree(folder)


def owner(path: Path) -> int:
    return path.stat().st_uid
