"""What became of the rows of files, counted while it happens."""

from dataclasses import dataclass, field

from knowledge.importers.base import Row, RowError
from knowledge.importers.files import Format, KnowledgeFile

ERRORS_KEPT = 10_000
IGNORED_FIELDS_KEPT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRead:
    """A file that could be read, and as what."""

    path: str
    encoding: str
    format: Format


@dataclass(frozen=True, slots=True, kw_only=True)
class FileError:
    """What is wrong with the row that starts on this line, or with the file from there on."""

    file: str
    line: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an ingest did or, if it was a dry run, would have done.

    A valid row that was not stored, because another is invalid or the embedder failed, counts as
    unchanged: `read` is always the sum of created, updated, unchanged and invalid.
    """

    files: tuple[FileRead, ...]
    read: int
    created: int
    updated: int
    invalid: int
    published: int
    flagged: int
    """Rows that had invisible characters, which were taken out."""
    samples_withdrawn: int
    archived: tuple[str, ...]
    """Ids of the answers that stay archived though the file was to be published."""
    ignored_fields: tuple[str, ...]
    """Names that mean nothing here; at most 100."""
    errors: tuple[FileError, ...]
    """At most 10,000."""
    dry_run: bool
    refused: bool
    """Nothing was stored, because not all of it could have been."""

    @property
    def unchanged(self) -> int:
        return self.read - self.created - self.updated - self.invalid


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a run has counted so far."""

    files: list[FileRead] = field(default_factory=list)
    read: int = 0
    created: int = 0
    updated: int = 0
    invalid: int = 0
    published: int = 0
    flagged: int = 0
    samples_withdrawn: int = 0
    archived: list[str] = field(default_factory=list)
    ignored_fields: dict[str, None] = field(default_factory=dict)
    errors: list[FileError] = field(default_factory=list)

    def count(self, file: KnowledgeFile, row: Row | RowError) -> None:
        self.read += 1
        if isinstance(row, RowError):
            self.invalid += 1
            self.fail(file, row.line, row.message)
            return
        self.flagged += row.flagged
        if len(self.ignored_fields) < IGNORED_FIELDS_KEPT:
            self.ignored_fields |= dict.fromkeys(row.ignored)

    def fail(self, file: KnowledgeFile, line: int, message: str) -> None:
        if len(self.errors) < ERRORS_KEPT:
            self.errors.append(FileError(file=file.name, line=line, message=message))

    def report(self, *, dry_run: bool, refused: bool) -> Report:
        return Report(
            files=tuple(self.files),
            read=self.read,
            created=self.created,
            updated=self.updated,
            invalid=self.invalid,
            published=self.published,
            flagged=self.flagged,
            samples_withdrawn=self.samples_withdrawn,
            archived=tuple(self.archived),
            ignored_fields=tuple(self.ignored_fields),
            errors=tuple(self.errors),
            dry_run=dry_run,
            refused=refused,
        )
