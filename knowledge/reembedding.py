"""Moves the base to another embedder while search goes on: fills a second space, then switches.

The search has the old space until the new one is complete, indexed, calibrated and compared with
it. Whatever fails on the way leaves everything as it was, and the next run goes on from there.
"""

import time
from dataclasses import dataclass
from typing import Protocol

from django.db import transaction

from knowledge.active_space import active_space
from knowledge.advisory_locks import (
    EDITS_LOCK,
    INGEST_LOCK,
    POLL_SECONDS,
    REEMBED_LOCK,
    hold_if_free,
    if_free,
    when_free,
)
from knowledge.calibration import calibrate_if_needed
from knowledge.embedders.base import Embedder
from knowledge.embedders.remembering import RememberingEmbedder
from knowledge.indexing import fill, unindexed
from knowledge.models import Answer, EmbeddingSpace
from knowledge.own_wordings import Comparison, compared
from knowledge.spaces import activate, drop, ensure_index, space_of

BATCH = 128
"""Answers a transaction: four requests of a remote embedder; a killed run loses no more."""
SWITCH_ATTEMPTS = 100
SWITCH_PAUSE_SECONDS = 0.1
LEAVING_SECONDS = 5.0
"""Until no process searches the space that was left; each looks once a second."""


class ReembedError(Exception):
    """The base was not moved. The sentence says why; search goes on as before."""


class Watcher(Protocol):
    """Who wants to know how far it is."""

    def stage(self, sentence: str) -> None: ...

    def progress(self, done: int, total: int) -> None:
        """So many of the answers that lacked a vector have one now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reembedded:
    """What was done. `left` is the space searched before, if it was another."""

    space: EmbeddingSpace
    left: EmbeddingSpace | None
    embedded: int


@dataclass(slots=True, kw_only=True)
class Reembedding:
    """One run."""

    embedder: Embedder
    space: EmbeddingSpace
    watcher: Watcher
    embedded: int = 0

    def complete(self) -> None:
        """Vectors for all that is published, then their index, then what was edited meanwhile."""
        self.fill()
        self.watcher.stage("Indexing …")
        while not ensure_index(self.space):
            self.watcher.stage("Another process is building an index; waiting for its end.")
            time.sleep(POLL_SECONDS)
        self.fill()

    def fill(self) -> None:
        total, done = unindexed(self.space).count(), 0

        def progress(count: int) -> None:
            nonlocal done
            done += count
            self.watcher.progress(done, max(total, done))

        if total:
            self.watcher.progress(0, total)
        self.embedded += fill(self.space, self.embedder, batch=BATCH, progress=progress)

    def switch(self) -> None:
        """Between two edits, when nothing is missing. Nobody waits for it."""
        for _ in range(SWITCH_ATTEMPTS):
            self.fill()
            if switched(self.space):
                return
            time.sleep(SWITCH_PAUSE_SECONDS)
        raise ReembedError(
            "Answers are changed faster than they can be embedded. Run this again in a while."
        )


def reembed(embedder: Embedder, watcher: Watcher, *, even_if_worse: bool = False) -> Reembedded:
    """Make this embedder's space the one that is searched.

    Raises ReembedError, or EmbedderError when an embedder fails; what was embedded is kept.
    """
    with if_free(REEMBED_LOCK) as free:
        if not free:
            raise ReembedError("Another reembed is running. Wait for its end.")
        space = space_of(embedder)
        remembering = RememberingEmbedder(embedder)
        run = Reembedding(embedder=remembering, space=space, watcher=watcher)
        run.complete()
        left = active_space()
        if left is None or left == space:
            calibrate_if_needed(embedder)
            return Reembedded(space=space, left=None, embedded=run.embedded)
        prove(embedder, space, left, watcher, even_if_worse=even_if_worse)
        with when_free(INGEST_LOCK, lambda: watcher.stage("Waiting for the end of an ingest.")):
            run.switch()
        return Reembedded(space=space, left=left, embedded=run.embedded)


def prove(
    embedder: Embedder,
    space: EmbeddingSpace,
    left: EmbeddingSpace,
    watcher: Watcher,
    *,
    even_if_worse: bool,
) -> None:
    """Calibrate the new space and see that it finds what the old one finds."""
    if not Answer.objects.filter(status=Answer.Status.PUBLISHED).exists():
        return
    watcher.stage("Calibrating …")
    calibrate_if_needed(embedder)
    watcher.stage("Comparing with the space in use …")
    comparison = compared(embedder, space, left)
    watcher.stage(told(comparison))
    if comparison.worse and not even_if_worse:
        raise ReembedError(
            "The new space finds much less, so it was not taken into use. If that is what you want,"
            " run this again with --yes."
        )


def told(comparison: Comparison) -> str:
    sentence = (
        f"Of {comparison.questions:,} wordings, {comparison.found:.0%} find their own answer first"
    )
    if comparison.found_before is None:
        return f"{sentence}. The embedder in use could not be asked."
    return f"{sentence}; in the space in use, {comparison.found_before:.0%}."


@transaction.atomic
def switched(space: EmbeddingSpace) -> bool:
    """Make the space the active one, unless somebody is storing vectors or one is missing."""
    if not hold_if_free(EDITS_LOCK) or unindexed(space).exists():
        return False
    activate(space)
    return True


def drop_others(space: EmbeddingSpace) -> list[str]:
    """Free all inactive spaces; their fingerprints. Waits until no process searches them."""
    others = list(EmbeddingSpace.objects.exclude(pk=space.pk).filter(active=False))
    if others:
        time.sleep(LEAVING_SECONDS)
    for other in others:
        drop(other)
    return [other.fingerprint for other in others]
