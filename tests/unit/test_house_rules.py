"""Rules of the code that no linter knows."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = [
    path
    for app in ("config", "chat", "knowledge")
    for path in sorted((ROOT / app).rglob("*.py"))
    if "migrations" not in path.parts
]
ASYNC_ORM = re.compile(
    r"\.(aget|acreate|afirst|alast|aexists|acount|aupdate|adelete|asave|aget_or_create"
    r"|aupdate_or_create|abulk_create|aaggregate|arefresh_from_db)\("
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_only_one_module_reads_the_environment(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    reads = "os.environ" in text.replace("os.environ.setdefault", "") or "os.getenv" in text

    assert not reads or name_of(path) in {"config/env.py", "config/embedded/launch.py"}


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_the_orm_is_never_awaited(path: Path) -> None:
    """In a long-lived task the ORM's a…() methods never recover from a restart of Postgres."""
    assert not ASYNC_ORM.search(path.read_text(encoding="utf-8"))
