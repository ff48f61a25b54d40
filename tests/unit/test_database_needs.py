"""What a database lacks for search."""

from dataclasses import replace

import pytest

from knowledge.database_needs import DatabaseFacts, lacks, numbers

SOUND = DatabaseFacts(
    postgres=16,
    encoding="UTF8",
    knows_letters=True,
    offered_pgvector="0.8.6",
    pgvector="0.8.6",
    may_add_pgvector=False,
    may_make_schemas=True,
    may_make_tables=True,
    owner=True,
)


def codes(found: DatabaseFacts) -> list[str]:
    return [lack.code for lack in lacks(found)]


def test_sound_database_lacks_nothing() -> None:
    assert codes(SOUND) == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (replace(SOUND, postgres=13), ["E001"]),
        (replace(SOUND, encoding="SQL_ASCII"), ["E002"]),
        (replace(SOUND, knows_letters=False), ["E003"]),
        (replace(SOUND, pgvector=None, offered_pgvector=None), ["E004"]),
        (replace(SOUND, pgvector="0.7.4"), ["E005"]),
        (replace(SOUND, pgvector="0.8.0"), ["W001"]),
        (replace(SOUND, pgvector="0.8.3"), ["W001"]),
        (replace(SOUND, pgvector="0.8.10"), []),
        (replace(SOUND, pgvector=None), ["E006"]),
        (replace(SOUND, pgvector=None, may_add_pgvector=True), []),
        (replace(SOUND, pgvector=None, offered_pgvector="0.5.1"), ["E005", "E006"]),
    ],
)
def test_lack_is_told(found: DatabaseFacts, expected: list[str]) -> None:
    assert codes(found) == expected


def test_newer_version_on_the_server_is_only_to_be_taken_in() -> None:
    (lack,) = lacks(replace(SOUND, pgvector="0.6.0"))

    assert lack.remedy.endswith("ALTER EXTENSION vector UPDATE;")
    assert "Install" not in lack.remedy


def test_version_with_letters_is_read() -> None:
    assert numbers("0.9.0-dev") == (0, 9, 0)
