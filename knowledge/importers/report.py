"""What became of the rows of files, counted while it happens."""

from dataclasses import dataclass, field
from typing import Literal

from knowledge.importers.base import Row, RowError
from knowledge.importers.files import Format, KnowledgeFile
from knowledge.importers.rejects import REJECT_FIELDS

ERRORS_KEPT = 10_000
IDS_KEPT = 10_000
IGNORED_FIELDS_KEPT = 100
CHANGES_KEPT = 20
SUSPICIOUS_KEPT = 20


class MiscountError(ValueError):
    """Rows were lost or counted twice: what became of them does not add up to those read."""


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
class FieldChange:
    """What a field says and will say, both shortened to where they differ."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to an answer. `place` is the row's file and line, "" if no row has it."""

    kind: Literal["created", "updated", "pruned"]
    source: str
    external_id: str
    place: str = ""
    title: str = ""
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspiciousRow:
    """A row that a person must read first, and why: the codes of `suspicion`."""

    file: str
    line: int
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune:
    """What becomes of a source's answers that no row of its files has."""

    source: str
    missing: int
    live: int
    """Answers of the source that are not archived, before anything is stored."""

    @property
    def drastic(self) -> bool:
        """So many that the files are more likely to be wrong than the base."""
        return self.missing * 2 > self.live


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an ingest did or, if it was a dry run, would have done.

    A valid row that was not stored, because another is invalid or the embedder failed, counts as
    unchanged. Raises MiscountError unless the rows read are those created, updated, unchanged and
    invalid.
    """

    files: tuple[FileRead, ...]
    read: int
    created: int
    updated: int
    unchanged: int
    invalid: int
    updated_published: int
    """Those of the updated that visitors are given."""
    left_over: int
    """Those of the unchanged that nobody looked at, because the run ended before."""
    published: int
    suspicious: int
    """Rows with something hidden, or meant for a model: nobody publishes them unread."""
    suspicious_rows: tuple[SuspiciousRow, ...]
    """The first 20."""
    samples_withdrawn: int
    archived: int
    """Answers that stay archived though the files have them and were to be published."""
    archived_ids: tuple[str, ...]
    """At most 10,000."""
    pruned: int
    """Answers archived because the files do not have them any more."""
    prunes: tuple[Prune, ...]
    """What was to be pruned, by source."""
    changes: tuple[Change, ...]
    """The first 20 of each kind, if it was a dry run."""
    ignored_fields: tuple[str, ...]
    """Names that mean nothing here; at most 100."""
    errors: tuple[FileError, ...]
    """At most 10,000."""
    dry_run: bool
    refused: bool
    """Nothing was stored, because not all of it could have been or somebody did not agree."""

    def __post_init__(self) -> None:
        counts = (self.created, self.updated, self.unchanged, self.invalid)
        if min(counts) < 0 or sum(counts) != self.read:
            raise MiscountError(f"{counts} of {self.read}")

    @property
    def drastic(self) -> tuple[Prune, ...]:
        return tuple(prune for prune in self.prunes if prune.drastic)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a run has counted so far. Its lists are bounded, whatever the size of the files."""

    files: list[FileRead] = field(default_factory=list)
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    invalid: int = 0
    updated_published: int = 0
    published: int = 0
    suspicious: int = 0
    suspicious_rows: list[SuspiciousRow] = field(default_factory=list)
    samples_withdrawn: int = 0
    archived: int = 0
    archived_ids: list[str] = field(default_factory=list)
    pruned: int = 0
    prunes: list[Prune] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    ignored_fields: dict[str, None] = field(default_factory=dict)
    errors: list[FileError] = field(default_factory=list)

    @property
    def valid(self) -> int:
        return self.read - self.invalid

    @property
    def stored(self) -> int:
        """Rows that were compared with the base, and that it has now."""
        return self.created + self.updated + self.unchanged

    def count(self, file: KnowledgeFile, row: Row | RowError) -> None:
        self.read += 1
        if isinstance(row, RowError):
            self.invalid += 1
            self.fail(file, row.line, row.message)
            return
        if row.suspicious:
            self.suspect(file, row)
        if row.ignored and len(self.ignored_fields) < IGNORED_FIELDS_KEPT:
            named = (name for name in row.ignored if name not in REJECT_FIELDS)
            self.ignored_fields |= dict.fromkeys(named)

    def suspect(self, file: KnowledgeFile, row: Row) -> None:
        self.suspicious += 1
        if len(self.suspicious_rows) < SUSPICIOUS_KEPT:
            codes = tuple(row.suspicious.split(","))
            self.suspicious_rows.append(SuspiciousRow(file=file.name, line=row.line, codes=codes))

    def fail(self, file: KnowledgeFile, line: int, message: str) -> None:
        if len(self.errors) < ERRORS_KEPT:
            self.errors.append(FileError(file=file.name, line=line, message=message))

    def leave_archived(self, external_ids: list[str]) -> None:
        self.archived += len(external_ids)
        self.archived_ids += external_ids[: IDS_KEPT - len(self.archived_ids)]

    def room_for(self, kind: Literal["created", "updated", "pruned"]) -> int:
        """How many more changes of this kind can be shown."""
        return CHANGES_KEPT - sum(change.kind == kind for change in self.changes)

    def report(self, *, dry_run: bool, refused: bool) -> Report:
        """The whole of it. Valid rows may be left over only where the run ended early."""
        left_over = self.valid - self.stored
        if left_over and not self.errors and not refused:
            raise MiscountError(f"{left_over} of {self.read}")
        return Report(
            files=tuple(self.files),
            read=self.read,
            created=self.created,
            updated=self.updated,
            unchanged=self.unchanged + left_over,
            invalid=self.invalid,
            updated_published=self.updated_published,
            left_over=left_over,
            published=self.published,
            suspicious=self.suspicious,
            suspicious_rows=tuple(self.suspicious_rows),
            samples_withdrawn=self.samples_withdrawn,
            archived=self.archived,
            archived_ids=tuple(self.archived_ids),
            pruned=self.pruned,
            prunes=tuple(self.prunes),
            changes=tuple(self.changes),
            ignored_fields=tuple(self.ignored_fields),
            errors=tuple(self.errors),
            dry_run=dry_run,
            refused=refused,
        )
