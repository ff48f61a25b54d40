"""Who serves with this DATA_DIR: every `manage.py serve` holds a note in DATA_DIR/serving.

A note is locked until its process has ended, however it ends. So one that a killed process left
behind is known as such, and no stranger who got the process's number is ever sent a signal.
"""

import fcntl
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

DRAIN_SIGNAL = signal.SIGUSR1
"""Drains as SIGTERM does, but a second one changes nothing: several may ask for the same end."""
NAME = re.compile(r"(\d+)-(\d+)\.pid", re.ASCII)


class ElsewhereError(Exception):
    """The process runs on another machine or in another container, which is named."""


class Note:
    """This process serves. Its lock is let go by the kernel alone, when the process has ended."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def hold(cls, data: Path, port: int) -> "Note":
        """Raises OSError where `data` cannot be written."""
        folder = data / "serving"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{port}-{os.getpid()}.pid"
        draft = path.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, socket.gethostname().encode())
        draft.rename(path)  # found only when it is locked: an unlocked one counts as left behind
        return cls(path)

    def drop(self) -> None:
        self._path.unlink(missing_ok=True)


class ServeProcess:
    """A process that serves, as its note tells. Holds the note open for as long as it is asked."""

    def __init__(self, port: int, pid: int, note: Path) -> None:
        """Raises FileNotFoundError when it has just ended."""
        self.port = port
        self.pid = pid
        self._note = os.open(note, os.O_RDONLY)

    @property
    def ended(self) -> bool:
        try:
            fcntl.flock(self._note, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def ask_to_drain(self) -> None:
        """Raises ElsewhereError, and PermissionError for a process of another account."""
        machine = os.pread(self._note, 256, 0).decode()
        if machine != socket.gethostname():
            raise ElsewhereError(machine)
        if not self.ended:
            with suppress(ProcessLookupError):
                os.kill(self.pid, DRAIN_SIGNAL)


def serve_processes(data: Path, port: int | None = None) -> Iterator[ServeProcess]:
    """Those that run now, or the one that listens on `port`; clears away what was left behind."""
    for path in sorted((data / "serving").glob("*.pid")):
        named = NAME.fullmatch(path.name)
        if named is None or port not in {None, int(named[1])}:
            continue
        with suppress(FileNotFoundError):  # it has just ended
            process = ServeProcess(int(named[1]), int(named[2]), path)
            if process.ended:
                path.unlink()
            else:
                yield process
