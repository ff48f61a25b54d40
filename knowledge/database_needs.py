"""What search needs of Postgres, and whether a database has it."""

from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

Version = tuple[int, ...]

LEAST_POSTGRES = 14
LEAST_PGVECTOR: Version = (0, 8, 0)
"""The first with iterative scans; without them a filtered search loses rows and tells nobody."""
SOUND_PGVECTOR: Version = (0, 8, 4)
"""Earlier ones can damage HNSW indexes, or overflow while they build one in parallel."""
ITERATIVE_SCAN = "strict_order"

FACTS = """
SELECT current_setting('server_version_num')::int / 10000,
       current_setting('server_encoding'),
       '知' ~ '^[[:alpha:]]$',
       (SELECT default_version FROM pg_available_extensions WHERE name = 'vector'),
       (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
       coalesce((
           SELECT bool_or(superuser IS FALSE OR trusted) FROM pg_available_extension_versions
           WHERE name = 'vector'
       ), false) OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
       has_database_privilege(current_database(), 'CREATE'),
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
       (SELECT pg_has_role(datdba, 'usage') FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """A database, and what its user may do there."""

    postgres: int
    """Its major version."""
    encoding: str
    knows_letters: bool
    """Chinese characters count as letters, which is LC_CTYPE's business."""
    offered_pgvector: str | None
    """The version that CREATE EXTENSION would bring."""
    pgvector: str | None
    """The version in this database."""
    may_add_pgvector: bool
    may_make_schemas: bool
    may_make_tables: bool
    owner: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Something that a database lacks, and what to do. Search fails without what is `needed`."""

    code: str
    needed: bool
    message: str
    remedy: str


def facts(connection: BaseDatabaseWrapper) -> DatabaseFacts:
    """Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute(FACTS)
        row = cursor.fetchone()
    names = DatabaseFacts.__dataclass_fields__
    return DatabaseFacts(**dict(zip(names, row, strict=True)))


def lacks(found: DatabaseFacts) -> list[Lack]:
    """In the order in which to mend them."""
    candidates = (
        postgres_lack(found),
        encoding_lack(found),
        letters_lack(found),
        pgvector_lack(found),
        right_lack(found),
    )
    return [lack for lack in candidates if lack]


def postgres_lack(found: DatabaseFacts) -> Lack | None:
    if found.postgres >= LEAST_POSTGRES:
        return None
    return Lack(
        code="E001",
        needed=True,
        message=f"The server is PostgreSQL {found.postgres}.",
        remedy=f"Move to PostgreSQL {LEAST_POSTGRES} or newer.",
    )


def encoding_lack(found: DatabaseFacts) -> Lack | None:
    if found.encoding == "UTF8":
        return None
    return Lack(
        code="E002",
        needed=True,
        message=f"The database's encoding is {found.encoding}, which cannot hold every text.",
        remedy="Create the database with ENCODING 'UTF8' from template0.",
    )


def letters_lack(found: DatabaseFacts) -> Lack | None:
    if found.knows_letters:
        return None
    return Lack(
        code="E003",
        needed=True,
        message="The database's character type knows no letters beyond ASCII, so Chinese fails.",
        remedy="Create the database with LC_CTYPE 'C.UTF-8' from template0.",
    )


def pgvector_lack(found: DatabaseFacts) -> Lack | None:
    version = found.pgvector or found.offered_pgvector
    if version is None:
        return Lack(
            code="E004",
            needed=True,
            message="The database server has no pgvector.",
            remedy=f"Install pgvector {dotted(SOUND_PGVECTOR)} or newer on the database server.",
        )
    if numbers(version) >= SOUND_PGVECTOR:
        return None
    return old_pgvector(found, version)


def old_pgvector(found: DatabaseFacts, version: str) -> Lack:
    too_old = numbers(version) < LEAST_PGVECTOR
    offered = found.offered_pgvector or "0"
    return Lack(
        code="E005" if too_old else "W001",
        needed=too_old,
        message=(
            f"pgvector is {version}, and a filtered search would lose rows."
            if too_old
            else f"pgvector is {version}, which can damage indexes."
        ),
        remedy=(
            "As the owner of the extension: ALTER EXTENSION vector UPDATE;"
            if numbers(offered) >= SOUND_PGVECTOR
            else f"Install pgvector {dotted(SOUND_PGVECTOR)} or newer on the database server, then"
            " ALTER EXTENSION vector UPDATE;"
        ),
    )


def right_lack(found: DatabaseFacts) -> Lack | None:
    if found.pgvector or not found.offered_pgvector or found.may_add_pgvector:
        return None
    return Lack(
        code="E006",
        needed=True,
        message="The extension vector is missing here, and this user may not add it.",
        remedy="As a superuser, in this database: CREATE EXTENSION vector;",
    )


def numbers(version: str) -> Version:
    """Of a version like 0.8.6; what is no number counts as 0."""
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))


def dotted(version: Version) -> str:
    return ".".join(map(str, version))
