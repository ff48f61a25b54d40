"""`manage.py check --database default` on databases that lack what search needs."""

import uuid
from pathlib import Path

from psycopg import sql

from tests.databases import administer, database_url, new_database
from tests.serving import Finished, environment, manage


def checked(name: str, folder: Path) -> Finished:
    variables = environment(folder) | {"DATABASE_URL": database_url(name)}
    return manage("check", "--database", "default", environment=variables)


def test_database_that_takes_chinese_for_no_letters_is_refused(tmp_path: Path) -> None:
    name = f"ctype_{uuid.uuid4().hex[:8]}"
    created = sql.SQL("CREATE DATABASE {} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    administer(created.format(sql.Identifier(name)))
    try:
        found = checked(name, tmp_path)
    finally:
        administer(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))

    assert found.returncode == 1
    assert "knowledge.E003" in found.stderr
    assert "LC_CTYPE 'C.UTF-8'" in found.stderr


def test_database_that_can_be_migrated_is_fine(tmp_path: Path) -> None:
    with new_database() as name:
        found = checked(name, tmp_path)

    assert (found.returncode, found.stderr) == (0, "")
