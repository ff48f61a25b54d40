"""The processes that the delivery bench measures: servers with and without Redis, a provider."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

from tests.faults.redis_server import RedisServer
from tests.serving import ChatServer, environment, manage, new_folder

ROOT = Path(__file__).resolve().parent.parent
OPEN_FILES = 8192
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
MANY = {
    "SENDS_PER_MINUTE": "100000",
    "SENDS_PER_MINUTE_PER_IP": "100000",
    "SOCKET_FRAMES_PER_SECOND": "1000",
    "CHAT_MAX_SOCKETS_PER_IP": "5000",
    "CHAT_MAX_SOCKETS_PER_VISITOR": "1000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """Which process writes a reply, and which one its reader is connected to."""

    name: str
    owner: ChatServer
    reader: ChatServer

    @property
    def servers(self) -> tuple[ChatServer, ...]:
        return (self.owner,) if self.owner is self.reader else (self.owner, self.reader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A Redis and a provider, for as many servers as one likes."""

    redis_url: str
    provider_url: str

    @contextmanager
    def serving(self, count: int, *, redis: bool, **settings: str) -> Iterator[list[ChatServer]]:
        """So many processes on a database of their own."""
        variables = MANY | {"OPENAI_BASE_URL": self.provider_url} | settings
        if redis:
            variables["REDIS_URL"] = self.redis_url
        with ExitStack() as stack, ThreadPoolExecutor() as threads:
            folder = stack.enter_context(migrated())
            servers = [ChatServer(folder=folder, settings=variables) for _ in range(count)]
            for started in [threads.submit(server.__enter__) for server in servers]:
                stack.enter_context(leaving(started.result()))
            yield servers

    @contextmanager
    def modes(self) -> Iterator[tuple[Mode, ...]]:
        """With a lease so long that no process takes up what another has not begun yet."""
        lease = {"TURN_LEASE_SECONDS": "60"}
        with (
            self.serving(1, redis=False, **lease) as (alone,),
            self.serving(2, redis=True, **lease) as (one, other),
        ):
            yield (
                Mode(name="memory", owner=alone, reader=alone),
                Mode(name="Redis, same process", owner=one, reader=one),
                Mode(name="Redis, other process", owner=one, reader=other),
            )


@contextmanager
def migrated() -> Iterator[Path]:
    """A folder for servers' data, whose embedded database has its tables."""
    folder = new_folder()
    try:
        manage("migrate", "-v0", environment=environment(folder)).check_returncode()
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def leaving(server: ChatServer) -> Iterator[None]:
    try:
        yield
    finally:
        server.__exit__()


@contextmanager
def stage() -> Iterator[Stage]:
    """Everything is gone afterwards."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard), hard))
    with RedisServer() as redis, provider() as url:
        yield Stage(redis_url=redis.url, provider_url=url)


@contextmanager
def provider() -> Iterator[str]:
    command = [sys.executable, "-m", "bench.stamping_provider"]
    with (
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process,  # noqa: S603
        cast(TextIO, process.stdout) as said,
    ):
        try:
            yield said.readline().strip()
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
