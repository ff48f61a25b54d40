"""A knowledge base of its own for a benchmark: an embedded Postgres that is gone afterwards."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def scratch_base(*files: Path) -> Iterator[None]:
    """Django set up on a new database with these files published, or else the sample."""
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory(prefix="expertline-bench-") as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
        for name in ("DATABASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
            os.environ.pop(name, None)
        fill(files or (ROOT / "sample",))
        try:
            yield
        finally:
            leave()


def fill(paths: tuple[Path, ...]) -> None:
    import django  # noqa: PLC0415  (the environment had to be set first)

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415  (after the set-up)
    from django.db import connection  # noqa: PLC0415  (as above)

    call_command("migrate", interactive=False, verbosity=0)
    connection.close()  # the next one has what the migrations set on the database
    call_command("ingest", *map(str, paths), source="bench", publish=True, quiet=True)


def leave() -> None:
    """Close all connections, so that the embedded Postgres ends before its folder does."""
    from django.db import connections  # noqa: PLC0415  (after the set-up)

    from chat.database import embedding_workers, workers  # noqa: PLC0415  (as above)

    workers().shutdown()
    embedding_workers().shutdown()
    connections.close_all()
