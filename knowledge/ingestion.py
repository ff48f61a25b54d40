"""Brings the rows of files into the base: all are checked first, then they are stored in batches.

A row is known again by its source and its id there, so a file may be ingested any number of times,
also after a run that was killed: what is there already is left alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol

from knowledge import pruning
from knowledge.advisory_locks import INGEST_LOCK, when_free
from knowledge.embedders.base import Embedder, EmbedderError
from knowledge.importers.base import Row, RowError, UnreadableFileError
from knowledge.importers.files import KnowledgeFile, Text, opened
from knowledge.importers.identities import Identities
from knowledge.importers.rejects import Rejects
from knowledge.importers.report import FileRead, Prune, Report, Tally
from knowledge.pruning import Missing
from knowledge.storing import LARGEST_BATCH, NO_HISTORY, History, Pace, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to do with the rows. New answers are drafts unless `publish`."""

    publish: bool = False
    dry_run: bool = False
    skip_invalid: bool = False
    prune: bool = False
    """Archive the answers of the files' sources that no row has, if every row could be read."""
    largest_batch: int = LARGEST_BATCH
    """Rows of a transaction; whoever must end in time takes few."""
    history: History = NO_HISTORY


class StopError(Exception):
    """Whoever watches wants no more of it."""


class Watcher(Protocol):
    """Who wants to know how far an ingest is, and may raise StopError to end it."""

    def progress(self, done: int, total: int | None) -> None:
        """So many rows of the total are stored; while there is no total, so many are checked."""

    def waiting(self) -> None:
        """Another ingest is running; this one waits for its end."""


class Nobody:
    """Watches nothing."""

    def progress(self, done: int, total: int | None) -> None: ...

    def waiting(self) -> None: ...


NOBODY = Nobody()
Agrees = Callable[[Sequence[Prune]], bool]
"""Whether somebody wants more than half of a source's answers to be archived."""


STOPPED = "It was stopped here. What was stored before stays."


def refuse(_prunes: Sequence[Prune]) -> bool:
    return False


def ingest(
    *,
    files: Sequence[KnowledgeFile],
    embedder: Embedder,
    options: Options = Options(),
    watcher: Watcher = NOBODY,
    agrees: Agrees = refuse,
    rejects: Rejects | None = None,
) -> Report:
    """Check every row, then store what is new or changed, a few rows a transaction.

    If a row is invalid or a file unreadable, nothing is stored, unless `skip_invalid`; what is
    skipped goes to `rejects`. After publishing, the caller calibrates. Blocks, and waits while
    another ingest runs. Never raises for what is in the files, nor EmbedderError: the report says
    it. Raises RejectsError, and StopError of the watcher, before anything is stored; what was
    stored before a later StopError stays, and the report counts the rest as `left_over`.
    """
    run = Run(options=options, tally=Tally(), watcher=watcher)
    texts, identities = run.check(files, rejects)
    refused = bool(run.tally.errors) and not options.skip_invalid
    if texts and not refused:
        with nullcontext() if options.dry_run else when_free(INGEST_LOCK, watcher.waiting):
            missing = run.missing(texts, identities)
            refused = not options.dry_run and not agreed(run.tally, agrees)
            if not refused:
                identities.forget()
                run.store(texts, embedder, identities)
                run.prune(missing)
    return run.tally.report(dry_run=options.dry_run, refused=refused)


def agreed(tally: Tally, agrees: Agrees) -> bool:
    drastic = [prune for prune in tally.prunes if prune.drastic]
    return not drastic or agrees(drastic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One ingest from the first check to the last answer that is archived."""

    options: Options
    tally: Tally
    watcher: Watcher = NOBODY

    def check(
        self, files: Sequence[KnowledgeFile], rejects: Rejects | None
    ) -> tuple[list[Text], Identities]:
        """The files that can be read, after all rows were counted with what is wrong with them."""
        texts: list[Text] = []
        identities = Identities()
        for file in files:
            try:
                text = opened(file)
                rows = identities.distinct(text)
                self.count(file, rejects.passing(text, rows) if rejects else rows)
            except UnreadableFileError as error:
                self.tally.fail(file, error.line, str(error))
            else:
                texts.append(text)
                read = FileRead(path=file.name, encoding=text.encoding, format=text.format)
                self.tally.files.append(read)
        return texts, identities

    def count(self, file: KnowledgeFile, rows: Iterator[Row | RowError]) -> None:
        for row in rows:
            self.tally.count(file, row)
            self.watcher.progress(self.tally.read, None)

    def missing(self, texts: Sequence[Text], identities: Identities) -> list[Missing]:
        """What is to be pruned, unless a row that is not read might have it."""
        if not self.options.prune or self.tally.errors:
            return []
        sources = dict.fromkeys(text.file.source for text in texts)
        found = [pruning.missing_from(identities, source) for source in sources]
        missing = [each for each in found if each.keys]
        self.tally.prunes += [each.prune for each in missing]
        return missing

    def store(self, texts: Sequence[Text], embedder: Embedder, identities: Identities) -> None:
        self.watcher.progress(0, self.tally.valid)
        store = Store(
            embedder=embedder,
            publish=self.options.publish,
            dry_run=self.options.dry_run,
            tally=self.tally,
            history=self.options.history,
            pace=Pace(largest=self.options.largest_batch),
        )
        for text in texts:
            if not self.store_file(text, store, identities):
                return

    def store_file(self, text: Text, store: Store, identities: Identities) -> bool:
        """Whether all of it was stored."""
        line = 1
        try:
            for batch in store.pace.batches(identities.distinct(text)):
                line = batch[0].line
                store.batch(batch, text.file)
                self.watcher.progress(self.tally.stored, self.tally.valid)
        except (EmbedderError, UnreadableFileError) as error:
            message = f"{error} What was stored before this line stays. Run the command again."
            self.tally.fail(text.file, line, message)
            return False
        except StopError:
            self.tally.fail(text.file, line, STOPPED)
            return False
        return True

    def prune(self, missing: Sequence[Missing]) -> None:
        """After a run that failed midway, nothing: the next will do it."""
        if self.tally.errors:
            return
        for each in missing:
            if self.options.dry_run:
                self.tally.pruned += len(each.keys)
                self.tally.changes += pruning.changes(each, self.tally.room_for("pruned"))
            else:
                self.tally.pruned += pruning.archive(each)
