"""The making of a cluster: the data folder that Postgres serves."""

import shutil
import sys
import tempfile
from pathlib import Path

from config.embedded.account import UTF8_LOCALE
from config.embedded.errors import EmbeddedPostgresError
from config.embedded.place import Place

SUPERUSER = "postgres"
INITDB_SECONDS = 300
LOCALE_OPTIONS = (
    ("--locale=C", f"--lc-ctype={UTF8_LOCALE}")
    if sys.platform == "darwin"
    else (f"--locale={UTF8_LOCALE}",)
)


def ensure_cluster(place: Place) -> None:
    """Make the cluster of `place` if there is none; for one process at a time.

    It is made under another name and moved when it is complete, so that an interrupted attempt
    never counts. What such attempts left is removed; a folder we do not know is left alone.
    """
    if (place.data / "PG_VERSION").exists():
        return
    if place.data.exists() and any(place.data.iterdir()):
        raise EmbeddedPostgresError(
            f"{place.data} is neither empty nor a Postgres database: move its files away, or set "
            "DATA_DIR to another folder."
        )
    prefix = f"{place.data.name}.unfinished-"
    for left_over in place.folder.glob(f"{prefix}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        dir=place.folder, prefix=prefix, ignore_cleanup_errors=True
    ) as unfinished:
        cluster = place.account.given(Path(unfinished)) / place.data.name
        _initdb(place, cluster)
        cluster.rename(place.data)


def _initdb(place: Place, cluster: Path) -> None:
    """Trust is safe here: nobody but the server's account and root can reach the socket."""
    outcome = place.account.run(
        [
            place.binaries.program("initdb"),
            f"--pgdata={cluster}",
            f"--username={SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            *LOCALE_OPTIONS,
            "--no-instructions",
            "--no-sync",
        ],
        limit_seconds=INITDB_SECONDS,
    )
    if not outcome.ok:
        raise EmbeddedPostgresError(
            f"The embedded Postgres could not make its database in {place.data}: {outcome.output}"
        )
