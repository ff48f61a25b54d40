"""Where the cluster, its locks and its socket lie."""

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.embedded.account import OURSELVES, Account, server_account
from config.embedded.binaries import Binaries, copied_binaries
from config.embedded.errors import EmbeddedPostgresError

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_ADDRESS_BYTES = 103  # macOS; Linux has four more
ROOT_SHARED = Path("/var/tmp/expertline-postgres")  # noqa: S108 - its owner is checked before use


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One cluster's folders, with the account and the programs that work on them."""

    folder: Path
    shared: Path
    account: Account
    binaries: Binaries

    @property
    def data(self) -> Path:
        """The cluster itself: each major version has its own format, so its own folder."""
        return self.folder / self.binaries.data_name

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    def socket_folder(self) -> Path:
        """The data folder if libpq can be told its name, else one with a short, plain name."""
        if _addressable(self.data):
            return self.data
        name = f"socket-{_fingerprint(self.data)}"
        return _owned_folder(_owned_folder(self.shared) / name, self.account)


def find_place(home: Path, shared: Path | None, binaries: Binaries) -> Place:
    """Where the cluster of `home` lies, or shall lie if there is none yet.

    For an ordinary user that is `home`. Root's server runs as somebody else, whom a private `home`
    or virtual environment shuts out: these go to `shared` then, and nobody's permissions widen.
    """
    shared = shared or _default_shared()
    folder = _cluster_folder(home, shared, binaries.data_name)
    account = server_account(folder / binaries.data_name)
    if not account.may_use(binaries.program("postgres")):
        binaries = copied_binaries(binaries, _owned_folder(shared))
    return Place(folder=folder, shared=shared, account=account, binaries=binaries)


def _cluster_folder(home: Path, shared: Path, data_name: str) -> Path:
    """An existing cluster stays where it is, even if permissions have changed since."""
    moved = shared / _fingerprint(home)
    if _has_cluster(home / data_name):
        return home
    if shared.exists() and _has_cluster(_owned_folder(shared) / moved.name / data_name):
        return moved
    home.mkdir(parents=True, exist_ok=True)
    if server_account(home / data_name).may_use(home):
        return home
    _owned_folder(shared)
    return _owned_folder(moved)


def _has_cluster(data: Path) -> bool:
    return (data / "PG_VERSION").exists()


def _default_shared() -> Path:
    uid = os.geteuid()
    return ROOT_SHARED if uid == 0 else Path(tempfile.gettempdir(), f"expertline-postgres-{uid}")


def _owned_folder(path: Path, account: Account = OURSELVES) -> Path:
    """The folder `path` for us or `account`, refused if somebody else was there first.

    Temporary places are open to all: a stranger's folder or symbolic link would let them read the
    data, or answer in the server's place.
    """
    mode = 0o755 if os.geteuid() == 0 and account == OURSELVES else 0o700
    with suppress(FileExistsError):
        path.mkdir(parents=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), account.uid):
        raise EmbeddedPostgresError(
            f"The embedded Postgres needs the folder {path}, but it belongs to somebody else: "
            "remove it and start again."
        )
    path.chmod(mode)
    return account.given(path)


def _addressable(folder: Path) -> bool:
    """Short enough for a socket's address, and in characters that every locale agrees on.

    A comma separates hosts in libpq.
    """
    address = str(folder / SOCKET_NAME)
    return address.isascii() and "," not in address and len(address) <= SOCKET_ADDRESS_BYTES


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
