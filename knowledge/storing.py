"""Makes the base say what rows say, a batch a transaction, or finds out what that would change."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Protocol
from uuid import uuid4

from django.db import connection, reset_queries, transaction
from django.utils import timezone

from knowledge import publishing
from knowledge.bulk_copy import copy_rows
from knowledge.differences import Stored, differences
from knowledge.embedders.base import Embedder
from knowledge.importers.base import Row, RowError
from knowledge.importers.files import KnowledgeFile
from knowledge.importers.report import Change, Tally
from knowledge.models import Answer, Question
from knowledge.plain_text import content_hash

SAMPLE_SOURCE = "sample"
"""The knowledge that Expertline is shown with; it steps aside when other answers are published."""
TEXTS = ("text", "locale", "topic", "expert_name", "expert_role", "basis", "basis_url")
FIELDS = dict.fromkeys(TEXTS, "text") | {
    "verbatim": "bool",
    "reviewed_at": "date",
    "review_by": "date",
}
"""The columns that a row and an answer have in common, and their types."""
ANSWER_COLUMNS = {
    "id": "int8",
    "uid": "uuid",
    **dict.fromkeys(("source", "external_id", "content_hash", "suspicious", "status"), "text"),
    "version": "int4",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
}
QUESTION_COLUMNS = {"answer_id": "int8", "text": "text", "position": "int2"}
BATCH = 25
"""Rows of the first transaction."""
LARGEST_BATCH = 1_000
BATCH_SECONDS = 1.0
"""A killed run loses about so much work, and what it stores is locked no longer."""


@dataclass(slots=True)
class Pace:
    """How many rows to store at once: with vectors to be made few, without them many."""

    size: int = BATCH
    largest: int = LARGEST_BATCH

    def took(self, seconds: float) -> None:
        if seconds < BATCH_SECONDS / 2:
            self.size = min(self.size * 2, self.largest)
        elif seconds > BATCH_SECONDS * 2:
            self.size = max(self.size // 2, BATCH)

    def batches(self, rows: Iterable[Row | RowError]) -> Iterator[list[Row]]:
        valid = (row for row in rows if isinstance(row, Row))
        while batch := list(islice(valid, self.size)):
            started_at = monotonic()
            yield batch
            self.took(monotonic() - started_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a batch of rows changes, and which of its answers are not published."""

    new: list[Row]
    updated: list[tuple[Answer, Row]]
    unchanged: int
    drafts: list[int]
    """Those that a person need not read before they are published."""
    archived: list[str]


Keyed = Sequence[tuple[int, Row]]
"""Keys of answers, and the rows they say the same as."""


class History(Protocol):
    """Who wants to remember what became of each answer."""

    def note(self, *, created: Keyed, updated: Keyed) -> None:
        """Called in the transaction that stores a batch."""


class NoHistory:
    """Remembers nothing."""

    def note(self, *, created: Keyed, updated: Keyed) -> None: ...


NO_HISTORY = NoHistory()


@dataclass(slots=True, kw_only=True)
class Store:
    """Compares rows with the base and, unless it is a dry run, makes the base say the same."""

    embedder: Embedder
    publish: bool
    dry_run: bool
    tally: Tally
    history: History = NO_HISTORY
    pace: Pace = field(default_factory=Pace)
    sample_withdrawn: bool = False
    """Looked for once a run: it means reading all that is published."""

    def batch(self, batch: Sequence[Row], file: KnowledgeFile) -> None:
        """Store all of a batch, with what search needs for it; nothing of it if anything fails.

        Raises EmbedderError.
        """
        with transaction.atomic():
            changes = compare(batch, file.source)
            live = sum(each.status == Answer.Status.PUBLISHED for each, _ in changes.updated)
            trusted = sum(not row.suspicious for row in changes.new)
            published = trusted + len(changes.drafts) if self.publish else 0
            withdrawn = 0
            replaced = published > 0 and file.source != SAMPLE_SOURCE
            if replaced and not self.sample_withdrawn:
                withdrawn = self.withdraw_sample()
            if self.dry_run:
                self.show(changes, file)
            else:
                self.write(changes, file.source)
        self.sample_withdrawn |= replaced
        reset_queries()  # with DEBUG, Django keeps the text of thousands of statements
        self.tally.updated_published += live
        self.count(changes, published, withdrawn)

    def count(self, changes: Changes, published: int, withdrawn: int) -> None:
        self.tally.created += len(changes.new)
        self.tally.updated += len(changes.updated)
        self.tally.unchanged += changes.unchanged
        self.tally.published += published
        self.tally.samples_withdrawn += withdrawn
        if self.publish:
            self.tally.leave_archived(changes.archived)

    def withdraw_sample(self) -> int:
        """In the same transaction as the first answers that replace it; how many there were."""
        samples = Answer.objects.filter(source=SAMPLE_SOURCE, status=Answer.Status.PUBLISHED)
        if self.dry_run:
            return samples.count()
        return publishing.withdraw(samples, Answer.Status.ARCHIVED)

    def show(self, changes: Changes, file: KnowledgeFile) -> None:
        """Note the first changes, to be looked at."""
        for row in changes.new[: self.tally.room_for("created")]:
            self.tally.changes.append(change_of(None, row, file))
        for answer, row in changes.updated[: self.tally.room_for("updated")]:
            self.tally.changes.append(change_of(answer, row, file))

    def write(self, changes: Changes, source: str) -> None:
        created = create(changes.new, source)
        updated = [(answer.pk, row) for answer, row in changes.updated]
        publishing.reindex(rewrite(changes.updated), self.embedder)
        self.history.note(created=created, updated=updated)
        drafts = [*(key for key, row in created if not row.suspicious), *changes.drafts]
        if self.publish:
            publishing.publish(Answer.objects.filter(pk__in=drafts), self.embedder)


def compare(batch: Sequence[Row], source: str) -> Changes:
    """What the rows would change; nobody else changes those answers before the transaction ends."""
    answers = Answer.objects.filter(
        source=source, external_id__in=[row.external_id for row in batch]
    ).exclude(external_id="")  # else Postgres does not see that its index has them all
    locked = answers.order_by("pk").select_for_update().prefetch_related("questions")
    known = {answer.external_id: answer for answer in locked}
    pairs = [(known[row.external_id], row) for row in batch if row.external_id in known]
    updated = [(answer, row) for answer, row in pairs if differ(answer, row)]
    return Changes(
        new=[row for row in batch if row.external_id not in known],
        updated=updated,
        unchanged=len(pairs) - len(updated),
        drafts=[answer.pk for answer, row in pairs if publishable(answer, row)],
        archived=[
            row.external_id for answer, row in pairs if answer.status == Answer.Status.ARCHIVED
        ],
    )


def publishable(answer: Answer, row: Row) -> bool:
    """Whether the answer is a draft that nobody must read first, as it will be."""
    suspicious = row.suspicious if says_something_else(answer, row) else answer.suspicious
    return answer.status == Answer.Status.DRAFT and not suspicious


def differ(answer: Answer, row: Row) -> bool:
    return any(getattr(answer, name) != getattr(row, name) for name in FIELDS) or (
        wordings(answer) != row.wordings
    )


def says_something_else(answer: Answer, row: Row) -> bool:
    return answer.content_hash != content_hash(row.wordings, row.text)


def wordings(answer: Answer) -> tuple[str, ...]:
    return tuple(question.text for question in answer.questions.all())


def change_of(answer: Answer | None, row: Row, file: KnowledgeFile) -> Change:
    old: Stored = {}
    if answer:
        old = {"wordings": wordings(answer)} | {name: getattr(answer, name) for name in FIELDS}
    new = {"wordings": row.wordings} | {name: getattr(row, name) for name in FIELDS}
    return Change(
        kind="updated" if answer else "created",
        source=file.source,
        external_id=row.external_id,
        place=f"{file.name}:{row.line}",
        title=(row.wordings or (row.text,))[0],
        fields=differences(old, new) if answer else (),
    )


def create(new: Sequence[Row], source: str) -> list[tuple[int, Row]]:
    """Store rows as drafts; they have these keys then."""
    if not new:
        return []
    keyed = list(zip(free_keys(len(new)), new, strict=True))
    now = timezone.now()
    copy_rows(
        "knowledge_answer",
        ANSWER_COLUMNS | FIELDS,
        (
            (
                *(key, uuid4(), source, row.external_id, content_hash(row.wordings, row.text)),
                *(row.suspicious, Answer.Status.DRAFT.value, 1, now, now),
                *(getattr(row, name) for name in FIELDS),
            )
            for key, row in keyed
        ),
    )
    ask(keyed)
    return keyed


def free_keys(count: int) -> list[int]:
    """Keys of answers that nobody else will get."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('knowledge_answer', 'id'))"
            " FROM generate_series(1, %s)",
            [count],
        )
        return [key for (key,) in cursor.fetchall()]


def rewrite(updated: Sequence[tuple[Answer, Row]]) -> list[int]:
    """Make answers say what their rows say; the keys of published ones to be indexed again.

    What a person must read first is published no more.
    """
    reworded = [(answer, row) for answer, row in updated if wordings(answer) != row.wordings]
    changed = [answer.pk for answer, row in updated if take_over(answer, row)]
    Question.objects.filter(answer__in=[answer for answer, _ in reworded]).delete()
    ask((answer.pk, row) for answer, row in reworded)
    Answer.objects.bulk_create(
        [answer for answer, _ in updated],
        update_conflicts=True,
        unique_fields=["pk"],
        update_fields=[*FIELDS, "suspicious", "version", "content_hash", "updated_at"],
    )
    live = Answer.objects.filter(pk__in=changed, status=Answer.Status.PUBLISHED)
    publishing.withdraw(live.exclude(suspicious=""), Answer.Status.DRAFT)
    return list(live.values_list("pk", flat=True))


def take_over(answer: Answer, row: Row) -> bool:
    """Put the row's values into the answer; whether it says something else then.

    While it says the same, it is as suspicious as it was: a person may have read it meanwhile.
    """
    changed = says_something_else(answer, row)
    for name in FIELDS:
        setattr(answer, name, getattr(row, name))
    if changed:
        answer.version += 1
        answer.content_hash = content_hash(row.wordings, row.text)
        answer.suspicious = row.suspicious
    return changed


def ask(keyed: Iterable[tuple[int, Row]]) -> None:
    """Store the wordings that the answers with these keys reply to."""
    copy_rows(
        "knowledge_question",
        QUESTION_COLUMNS,
        ((key, text, position) for key, row in keyed for position, text in enumerate(row.wordings)),
    )
