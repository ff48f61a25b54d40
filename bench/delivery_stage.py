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
    """A database in a folder, a Redis and a provider, for as many servers as one likes."""

    folder: Path
    redis_url: str
    provider_url: str

    @contextmanager
    def serving(self, count: int, *, redis: bool, **settings: str) -> Iterator[list[ChatServer]]:
        variables = MANY | {"OPENAI_BASE_URL": self.provider_url} | settings
        if redis:
            variables["REDIS_URL"] = self.redis_url
        servers = [ChatServer(folder=self.folder, settings=variables) for _ in range(count)]
        with ExitStack() as stack, ThreadPoolExecutor() as threads:
            for started in [threads.submit(server.__enter__) for server in servers]:
                stack.enter_context(leaving(started.result()))
            yield servers

    @contextmanager
    def modes(self) -> Iterator[tuple[Mode, ...]]:
        with self.serving(1, redis=False) as (alone,), self.serving(2, redis=True) as (one, other):
            yield (
                Mode(name="memory", owner=alone, reader=alone),
                Mode(name="Redis, same process", owner=one, reader=one),
                Mode(name="Redis, other process", owner=one, reader=other),
            )


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
    folder = new_folder()
    try:
        migrated = manage("migrate", "-v0", environment=environment(folder))
        migrated.check_returncode()
        with RedisServer() as redis, provider() as url:
            yield Stage(folder=folder, redis_url=redis.url, provider_url=url)
    finally:
        shutil.rmtree(folder)


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
