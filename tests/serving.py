"""The chat server as a process of its own, for tests over real sockets. Needs no pytest.

with ChatServer(set_up=True, settings={"OPENAI_BASE_URL": model.base_url}) as server:
    page.goto(server.url)
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Self

from config.env import parse_dotenv

PROJECT = Path(__file__).resolve().parents[1]
READY_SECONDS = 240
"""With `set_up`, an empty folder becomes a database with all of the sample in it."""
STOP_SECONDS = 30
COMMAND_SECONDS = 300
COMPLAINTS = (" ERROR ", " CRITICAL ", "Traceback", "Warning: ")


class NotServingError(Exception):
    """The server ended, or fell silent, before it was ready; what it said follows."""


class ChatServer:
    """`manage.py serve` on a free port of 127.0.0.1 while the `with` block runs.

    `settings` are environment variables; of the test run's own environment nothing is handed on.
    Without DATABASE_URL among them, the server has an embedded Postgres of its own in `folder`,
    which then needs `set_up` or a set-up database. Without a `folder`, one is made and removed.
    """

    ready = "Ready: "
    """What it says then."""

    def __init__(
        self,
        *,
        folder: Path | None = None,
        set_up: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder or new_folder()
        self.port = free_port()
        self._own_folder = folder is None
        self._arguments = ["--set-up"] if set_up else []
        self.settings = dict(settings or {})
        """What a test changes here counts from the next start on."""
        self._process: subprocess.Popen[str] | None = None
        self._outputs: list[Output] = []
        self.private: set[str] = set()
        """What no log may ever hold; clients add what their visitors say."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._clean_up()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.running:
                self.stop()
        finally:
            self._clean_up()

    @property
    def url(self) -> str:
        """The page's address, without a slash at its end; also the Origin of its socket."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/chat/"

    @property
    def pid(self) -> int:
        return self._started().pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What the server said since its last start, on standard output and error."""
        return self._outputs[-1].text if self._outputs else ""

    @property
    def complaints(self) -> list[str]:
        """Lines of all its logs that should not be there."""
        return self._lines_with({*COMPLAINTS, *self.private})

    @property
    def leaks(self) -> list[str]:
        """Those that hold what is private."""
        return self._lines_with(self.private)

    @property
    def command(self) -> list[str]:
        return [sys.executable, "manage.py", "serve", *self._arguments]

    def start(self, seconds: float = READY_SECONDS) -> None:
        """Returns when the server says that it is ready. Raises NotServingError."""
        self._process = subprocess.Popen(
            self.command,
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for the test run, which then ends the server
        )
        self._outputs.append(Output(self._process))
        if not self._outputs[-1].wait_for(self.ready, seconds):
            self.kill()
            raise NotServingError(self.log)

    def terminate(self) -> None:
        """SIGTERM: goodbye, turns may finish. Does not wait; see `wait`."""
        self.send_signal(signal.SIGTERM)

    def interrupt(self) -> None:
        """SIGINT: goodbye, turns are handed over at once. Does not wait."""
        self.send_signal(signal.SIGINT)

    def send_signal(self, number: signal.Signals) -> None:
        self._started().send_signal(number)

    def freeze(self) -> None:
        """SIGSTOP: it does nothing any more, and nobody is told."""
        self.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, as when the machine fails; returns when the process is gone."""
        self._started().kill()
        self.wait()

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """The exit code, once the server has ended. Raises subprocess.TimeoutExpired."""
        code = self._started().wait(seconds)
        self._outputs[-1].close()
        return code

    def stop(self) -> int:
        self.interrupt()
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def restart(self) -> None:
        """Again on the same port with the same data, whether it still runs or was killed."""
        if self.running:
            self.stop()
        self.start()

    def wait_for_log(self, text: str, seconds: float = STOP_SECONDS) -> None:
        """Returns once the server has said `text` in a line. Raises TimeoutError."""
        if not self._outputs[-1].wait_for(text, seconds):
            raise TimeoutError(f"The server did not say “{text}”. It said:\n{self.log}")

    def manage(self, *arguments: str, seconds: float = COMMAND_SECONDS) -> "Finished":
        """A command of manage.py in the server's environment, whether it runs or not."""
        return manage(*arguments, environment=self.environment, seconds=seconds)

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.folder) | {"PORT": str(self.port)} | self.settings

    def _lines_with(self, texts: Collection[str]) -> list[str]:
        lines = "".join(output.text for output in self._outputs).splitlines()
        return [line for line in lines if any(text in line for text in texts)]

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise NotServingError("The server was not started.")
        return self._process

    def _clean_up(self) -> None:
        killed = self._process is not None and self._process.wait() < 0
        if killed and (self.folder / "postgres").exists():
            self.manage("check", "--database", "default")  # its Postgres runs on until a last user
        if self._own_folder:
            shutil.rmtree(self.folder)


class Output:
    """What a process says, line by line, read by a thread so that its pipe never fills up."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        with self._changed:
            return "".join(self._lines)

    def wait_for(self, text: str, seconds: float) -> bool:
        """Whether a line held `text` before the process ended or the time was over."""
        deadline = time.monotonic() + seconds
        seen = 0
        with self._changed:
            while not any(text in line for line in self._lines[seen:]):
                seen = len(self._lines)
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def close(self) -> None:
        """After the process's end: read what is left."""
        self._thread.join(STOP_SECONDS)

    def _read(self) -> None:
        with self._process.stdout as lines:  # type: ignore[union-attr]  # it was asked for
            for line in lines:
                with self._changed:
                    self._lines.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


Finished = subprocess.CompletedProcess[str]


def manage(
    *arguments: str, environment: Mapping[str, str], seconds: float = COMMAND_SECONDS
) -> Finished:
    """Runs a command of manage.py to its end, whatever its exit code."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def environment(folder: Path) -> dict[str, str]:
    """Settings of the test run, and nothing that a developer has set for himself."""
    dotenv = PROJECT / ".env"
    theirs = parse_dotenv(dotenv) if dotenv.is_file() else {}
    return dict.fromkeys(theirs, "") | {
        "PATH": os.defpath,
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "default",
        "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATA_DIR": str(folder),
    }


def new_folder() -> Path:
    """An empty folder. Root's Postgres runs as somebody else, who must be able to enter it."""
    folder = Path(tempfile.mkdtemp(prefix="expertline-"))
    folder.chmod(0o755)
    return folder


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port
