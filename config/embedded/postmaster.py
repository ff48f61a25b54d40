"""Postgres's main process, as its lock file `postmaster.pid` tells of it."""

import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from config.embedded.place import SOCKET_NAME

PID_FILE = "postmaster.pid"
PID_LINE, SOCKET_FOLDER_LINE, STATUS_LINE = 0, 4, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmaster:
    """A server that is alive on `data`: starting, ready or stopping."""

    data: Path
    pid: int
    socket_folder: Path
    status: str

    @classmethod
    def find(cls, data: Path) -> Self | None:
        """None if no server works on `data`, whatever a lock file left behind may say.

        Postgres itself believes any process with the pid in the file, so that a killed server
        that became a zombie, or whose pid another program got, would bar the start for ever.
        """
        try:
            lines = (data / PID_FILE).read_bytes().splitlines()
            pid = int(lines[PID_LINE])
        except (FileNotFoundError, ValueError, IndexError):
            return None
        lines += [b""] * (STATUS_LINE + 1 - len(lines))  # it is written piece by piece
        postmaster = cls(
            data=data,
            pid=pid,
            socket_folder=Path(os.fsdecode(lines[SOCKET_FOLDER_LINE])),
            status=lines[STATUS_LINE].decode(errors="replace").strip(),
        )
        return postmaster if postmaster.visible or postmaster.listens() else None

    @property
    def ready(self) -> bool:
        return self.status == "ready"

    @property
    def visible(self) -> bool:
        """Whether its pid means this server to us, so that it may be sent a signal."""
        return b"postgres -D %b " % os.fsencode(self.data) in command_line(self.pid)

    def listens(self) -> bool:
        """Whether it answers: in another container on the same folder, its pid is not ours."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_folder / SOCKET_NAME))
            except OSError:
                return False
        return True


def drop_stale_locks(data: Path, socket_folder: Path) -> None:
    """Remove what a killed server left; only for a caller who knows that none is alive."""
    (data / PID_FILE).unlink(missing_ok=True)
    (socket_folder / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)


def command_line(pid: int) -> bytes:
    """A process's arguments with a space after each; empty if it is gone or a zombie.

    It is empty for a moment too while a process turns into another program: see `alive`.
    """
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except (ProcessLookupError, PermissionError):  # a stranger's is hidden on some machines
        return b""
    except FileNotFoundError:
        return b"" if Path("/proc/self").exists() else _ps(pid, "command=")


def alive(pid: int) -> bool:
    """Whether a process of ours is neither gone nor a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2]
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        state = b"" if Path("/proc/self").exists() else _ps(pid, "stat=")
    return bool(state) and not state.startswith((b"Z", b"X"))


def _ps(pid: int, shown: str) -> bytes:
    """The same without /proc, as on macOS."""
    process = subprocess.run(  # noqa: S603 - nothing that comes from outside
        ["/bin/ps", "-ww", "-o", shown, "-p", str(pid)], capture_output=True, check=False
    )
    return process.stdout.strip()
