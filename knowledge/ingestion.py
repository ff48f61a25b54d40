"""Brings the rows of files into the base: all are checked first, then they are stored in batches.

A row is known again by its source and its id there, so a file may be ingested any number of times,
also after a run that was killed: what is there already is left alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from django.db import connection, transaction

from knowledge import publishing
from knowledge.embedders.base import Embedder, EmbedderError
from knowledge.importers.base import Row, RowError, UnreadableFileError
from knowledge.importers.files import Ids, KnowledgeFile, Text, distinct, opened
from knowledge.importers.report import FileRead, Report, Tally
from knowledge.models import Answer, Question
from knowledge.plain_text import content_hash

SAMPLE_SOURCE = "sample"
"""The knowledge that Expertline is shown with; it steps aside when other answers are published."""
BATCH = 25
"""Rows a transaction. The embedder needs seconds for them, and a killed run loses no more."""
INGEST_LOCK = 7_203_812
"""Advisory lock: one ingest at a time."""
FIELDS = (
    *("text", "locale", "topic", "verbatim", "expert_name", "expert_role"),
    *("basis", "basis_url", "reviewed_at", "review_by"),
)
"""The columns that a row and an answer have in common."""


class Watcher(Protocol):
    """Who wants to know how far an ingest is."""

    def progress(self, done: int, total: int | None) -> None:
        """So many rows of the total are stored; while there is no total, so many are checked."""

    def waiting(self) -> None:
        """Another ingest is running; this one waits for its end."""


class Nobody:
    """Watches nothing."""

    def progress(self, done: int, total: int | None) -> None: ...

    def waiting(self) -> None: ...


NOBODY = Nobody()


def ingest(
    *,
    files: Sequence[KnowledgeFile],
    embedder: Embedder,
    publish: bool = False,
    dry_run: bool = False,
    skip_invalid: bool = False,
    watcher: Watcher = NOBODY,
) -> Report:
    """Check every row, then store what is new or changed, a few rows a transaction.

    If a row is invalid or a file unreadable, nothing is stored, unless `skip_invalid`. New answers
    are drafts unless `publish`; after that, the caller calibrates. Blocks, and waits while another
    ingest runs. Never raises for what is in the files, nor EmbedderError: the report says it.
    """
    tally = Tally()
    texts = readable(files, tally, watcher)
    refused = bool(tally.errors) and not skip_invalid
    if texts and not refused:
        store = Store(
            embedder=embedder,
            publish=publish,
            dry_run=dry_run,
            tally=tally,
            watcher=watcher,
            place=(texts[0].file, 1),
        )
        with nullcontext() if dry_run else one_at_a_time(watcher):
            store.files(texts)
    return tally.report(dry_run=dry_run, refused=refused)


def readable(files: Sequence[KnowledgeFile], tally: Tally, watcher: Watcher) -> list[Text]:
    """The files that can be read, after all rows were counted with what is wrong with them."""
    texts: list[Text] = []
    ids: Ids = {}
    for file in files:
        try:
            text = opened(file)
            for row in distinct(text, ids):
                tally.count(file, row)
                watcher.progress(tally.read, None)
        except UnreadableFileError as error:
            tally.fail(file, error.line, str(error))
        else:
            texts.append(text)
            read = FileRead(path=file.name, encoding=text.encoding, format=text.format)
            tally.files.append(read)
    return texts


@contextmanager
def one_at_a_time(watcher: Watcher) -> Iterator[None]:
    """Wait for the end of any other ingest. A lock of the session goes when its process dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [INGEST_LOCK])
        if cursor.fetchone() == (False,):
            watcher.waiting()
            cursor.execute("SELECT pg_advisory_lock(%s)", [INGEST_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [INGEST_LOCK])


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a batch of rows changes, and which of its answers are not published."""

    new: list[Row]
    updated: list[tuple[Answer, Row]]
    drafts: list[int]
    archived: list[str]


@dataclass(slots=True, kw_only=True)
class Store:
    """Compares rows with the base and, unless it is a dry run, makes the base say the same."""

    embedder: Embedder
    publish: bool
    dry_run: bool
    tally: Tally
    watcher: Watcher
    place: tuple[KnowledgeFile, int]
    """The file and the line where the batch begins that is being stored."""
    done: int = 0

    def files(self, texts: Sequence[Text]) -> None:
        self.watcher.progress(0, self.total)
        ids: Ids = {}
        try:
            for text in texts:
                self.file(text, ids)
        except (EmbedderError, UnreadableFileError) as error:
            message = f"{error} What was stored before this line stays. Run the command again."
            self.tally.fail(*self.place, message)

    def file(self, text: Text, ids: Ids) -> None:
        self.place = (text.file, 1)
        for batch in batches(distinct(text, ids)):
            self.place = (text.file, batch[0].line)
            self.batch(batch, text.file.source)
            self.done += len(batch)
            self.watcher.progress(self.done, self.total)

    @property
    def total(self) -> int:
        return self.tally.read - self.tally.invalid

    def batch(self, batch: Sequence[Row], source: str) -> None:
        """Store all of a batch, with what search needs for it; nothing of it if anything fails."""
        with transaction.atomic():
            changes = compare(batch, source)
            published = len(changes.new) + len(changes.drafts) if self.publish else 0
            withdrawn = self.samples_withdrawn() if published and source != SAMPLE_SOURCE else 0
            if not self.dry_run:
                self.write(changes, source)
        self.tally.created += len(changes.new)
        self.tally.updated += len(changes.updated)
        self.tally.published += published
        self.tally.samples_withdrawn += withdrawn
        self.tally.archived += changes.archived if self.publish else []

    def samples_withdrawn(self) -> int:
        """In the same transaction as the first answers that replace them."""
        if self.tally.samples_withdrawn:
            return 0
        samples = Answer.objects.filter(source=SAMPLE_SOURCE, status=Answer.Status.PUBLISHED)
        if self.dry_run:
            return samples.count()
        return publishing.withdraw(samples, Answer.Status.ARCHIVED)

    def write(self, changes: Changes, source: str) -> None:
        drafts = [*create(changes.new, source), *changes.drafts]
        stale = [answer.pk for answer, row in changes.updated if rewrite(answer, row)]
        publishing.reindex(stale, self.embedder)
        if self.publish:
            publishing.publish(Answer.objects.filter(pk__in=drafts), self.embedder)


def batches(rows: Iterator[Row | RowError]) -> Iterator[list[Row]]:
    valid = (row for row in rows if isinstance(row, Row))
    while batch := list(islice(valid, BATCH)):
        yield batch


def compare(batch: Sequence[Row], source: str) -> Changes:
    """What the rows would change; nobody else changes those answers before the transaction ends."""
    answers = Answer.objects.filter(
        source=source, external_id__in=[row.external_id for row in batch]
    )
    locked = answers.order_by("pk").select_for_update().prefetch_related("questions")
    known = {answer.external_id: answer for answer in locked}
    pairs = [(known[row.external_id], row) for row in batch if row.external_id in known]
    return Changes(
        new=[row for row in batch if row.external_id not in known],
        updated=[(answer, row) for answer, row in pairs if differ(answer, row)],
        drafts=[answer.pk for answer, _ in pairs if answer.status == Answer.Status.DRAFT],
        archived=[
            row.external_id for answer, row in pairs if answer.status == Answer.Status.ARCHIVED
        ],
    )


def differ(answer: Answer, row: Row) -> bool:
    stored = {name: getattr(answer, name) for name in FIELDS}
    return stored != columns(row) or wordings(answer) != row.wordings


def columns(row: Row) -> dict[str, object]:
    return {name: getattr(row, name) for name in FIELDS}


def wordings(answer: Answer) -> tuple[str, ...]:
    return tuple(question.text for question in answer.questions.all())


def create(new: Sequence[Row], source: str) -> list[int]:
    """Store rows as drafts; their keys."""
    answers = Answer.objects.bulk_create(
        Answer(
            source=source,
            external_id=row.external_id,
            content_hash=content_hash(row.wordings, row.text),
            **columns(row),
        )
        for row in new
    )
    ask(zip(answers, new, strict=True))
    return [answer.pk for answer in answers]


def rewrite(answer: Answer, row: Row) -> bool:
    """Make an answer say what the row says; whether a published one must be indexed again."""
    for name, value in columns(row).items():
        setattr(answer, name, value)
    answer.save(update_fields=[*FIELDS, "updated_at"])
    if wordings(answer) != row.wordings:
        answer.questions.all().delete()
        ask([(answer, row)])
    version = answer.version
    publishing.renew(answer)
    return answer.version > version and answer.status == Answer.Status.PUBLISHED


def ask(pairs: Iterable[tuple[Answer, Row]]) -> None:
    """Store the wordings that the answers reply to."""
    Question.objects.bulk_create(
        Question(answer=answer, text=text, position=position)
        for answer, row in pairs
        for position, text in enumerate(row.wordings)
    )
