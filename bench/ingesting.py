"""How fast ingest stores rows, and in how much memory: python -m bench.ingesting [--rows 200000]

The rows are made up, and so are the vectors (hashes of the texts): the figures are those of
reading, checking and storing alone. Published rows get vectors and terms, drafts do not.
"""

import argparse
import hashlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.scratch_base import ROOT, leave

WORDS = (
    "孩子 晚上 不睡觉 怎么办 固定 作息 睡前 不看 屏幕 吃饭 挑食 说话 眼神 社交 游戏 训练".split()
)
DIMENSIONS = 384


class HashingEmbedder:
    """Vectors that cost nothing and mean nothing."""

    fingerprint = "hashing"
    dimensions = DIMENSIONS

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        digests = b"".join(
            hashlib.shake_128(text.encode()).digest(self.dimensions) for text in texts
        )
        numbers = np.frombuffer(digests, np.int8).reshape(len(texts), -1).astype(np.float32) + 0.5
        vectors: NDArray[np.float32] = numbers / np.linalg.norm(numbers, axis=1, keepdims=True)
        return vectors

    embed_queries = embed_passages


class Watch:
    """Notes when checking ended and storing began."""

    def __init__(self) -> None:
        self.stored_from = 0.0

    def progress(self, done: int, total: int | None) -> None:
        if total is not None and not done:
            self.stored_from = time.monotonic()

    def waiting(self) -> None: ...


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rows", type=int, default=200_000)
    arguments.add_argument("--publish", action="store_true")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = made_up(Path(folder) / "rows.jsonl", chosen.rows)
        with empty_base():
            for title in ("new", "the same again"):
                say(title, *measured(path, publish=chosen.publish))


@contextmanager
def empty_base() -> Iterator[None]:
    """Django set up on a new database that has nothing in it."""
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory(prefix="expertline-bench-") as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
        os.environ.pop("DATABASE_URL", None)
        import django  # noqa: PLC0415  (the environment had to be set first)

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415  (after the set-up)

        call_command("migrate", interactive=False, verbosity=0)
        try:
            yield
        finally:
            leave()


def made_up(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            picked = [WORDS[number // step % len(WORDS)] for step in (1, 16, 256, 4096, 65536)]
            row = {
                "id": str(number),
                "questions": ["".join(picked) + f"{number}？", f"第{number}个问题"],
                "answer": "。".join(picked * 6),
                "topic": picked[0],
            }
            file.write(f"{json.dumps(row, ensure_ascii=False)}\n")
    return path


def measured(path: Path, *, publish: bool) -> tuple[int, float, float]:
    """Rows, and the seconds that checking and storing took."""
    from knowledge.importers.files import knowledge_files  # noqa: PLC0415  (after the set-up)
    from knowledge.ingestion import Options, ingest  # noqa: PLC0415  (as above)

    watch, started = Watch(), time.monotonic()
    report = ingest(
        files=knowledge_files(path),
        embedder=HashingEmbedder(),
        options=Options(publish=publish),
        watcher=watch,
    )
    ended = time.monotonic()
    if report.errors:
        raise SystemExit(report.errors[0].message)
    return report.read, watch.stored_from - started, ended - watch.stored_from


def say(title: str, rows: int, checking: float, storing: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        f"{title}: {rows:,} rows; checked {rows / checking:,.0f} a second, stored"
        f" {rows / storing:,.0f} a second; {rows / (checking + storing):,.0f} in all;"
        f" peak {peak:,.0f} MiB\n"
    )


if __name__ == "__main__":
    main()
