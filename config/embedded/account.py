"""The operating system's account that Postgres runs as: it refuses to run as root."""

import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.embedded.errors import EmbeddedPostgresError

UNPRIVILEGED_NAMES = ("postgres", "nobody")
# pg_trgm sees no Chinese at all when LC_CTYPE is C, so nothing of the caller's locale may get in.
# macOS calls the same thing UTF-8 (PEP 538). A fixed TZ saves initdb a search through all zones.
UTF8_LOCALE = "UTF-8" if sys.platform == "darwin" else "C.UTF-8"
ENVIRONMENT = {"PATH": os.defpath, "LC_CTYPE": UTF8_LOCALE, "TZ": "UTC"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a program that ended left behind; `output` has both of its streams."""

    ok: bool
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """User and group to change to before a program starts; None stays who we are."""

    uid: int | None = None
    gid: int | None = None

    def run(self, command: Sequence[str | Path], *, limit_seconds: float) -> Outcome:
        """Run `command` to its end, in a session of its own: Ctrl-C is not meant for it.

        Its output goes to a file: a server started on the way would hold a pipe open for ever.
        """
        with tempfile.TemporaryFile() as output:
            finished = subprocess.run(  # noqa: S603 - our own command lines, no shell text
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
                cwd="/",
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
                umask=0o077,
                start_new_session=True,
                timeout=limit_seconds,
                check=False,
            )
            output.seek(0)
            return Outcome(
                ok=finished.returncode == 0, output=output.read().decode(errors="replace").strip()
            )

    def may_use(self, path: Path) -> bool:
        """Whether this account can enter the folder, or execute the program, at `path`."""
        return (
            self.uid is None
            or self.run(["/bin/sh", "-c", 'test -x "$1"', "sh", path], limit_seconds=10).ok
        )

    def given(self, folder: Path) -> Path:
        """Make `folder` this account's own; `folder` again, for chaining."""
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)
        return folder


OURSELVES = Account()


def server_account(data: Path) -> Account:
    """Who may run the server on the folder `data`: for root its owner, `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return OURSELVES
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    for name in UNPRIVILEGED_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedPostgresError(
        "Postgres refuses to run as root, and there is neither a user “postgres” nor “nobody” to "
        "run it as: start Expertline as an ordinary user."
    )
