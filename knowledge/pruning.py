"""Archives a source's answers that its files do not have any more."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.db.models import QuerySet

from knowledge import publishing
from knowledge.importers.identities import Identities
from knowledge.importers.report import Change, Prune
from knowledge.models import Answer

BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """The keys of a source's answers that no row has, and how many of its answers are live."""

    source: str
    keys: list[int]
    live: int

    @property
    def prune(self) -> Prune:
        return Prune(source=self.source, missing=len(self.keys), live=self.live)


def missing_from(identities: Identities, source: str) -> Missing:
    """Looks at every answer of the source once, and keeps only keys."""
    live = live_answers(source).order_by("pk").values_list("pk", "external_id")
    keys: list[int] = []
    count = 0
    for key, external_id in live.iterator(chunk_size=BATCH):
        count += 1
        if not identities.has(source, external_id):
            keys.append(key)
    return Missing(source=source, keys=keys, live=count)


def live_answers(source: str) -> QuerySet[Answer]:
    """Those that ingest brought and nobody archived."""
    return (
        Answer.objects.filter(source=source)
        .exclude(status=Answer.Status.ARCHIVED)
        .exclude(external_id="")
    )


def archive(missing: Missing) -> int:
    """Take them out of every search; how many there were. Safe to run again after a kill."""
    return sum(
        publishing.withdraw(Answer.objects.filter(pk__in=keys), Answer.Status.ARCHIVED)
        for keys in batches(missing.keys)
    )


def changes(missing: Missing, most: int) -> Iterator[Change]:
    """The first of them, to be looked at."""
    answers = Answer.objects.filter(pk__in=missing.keys[:most]).order_by("pk")
    for answer in answers.prefetch_related("questions"):
        titles = [question.text for question in answer.questions.all()]
        yield Change(
            kind="pruned",
            source=missing.source,
            external_id=answer.external_id,
            title=(titles or [answer.text])[0],
        )


def batches(keys: list[int]) -> Iterator[list[int]]:
    left = iter(keys)
    while batch := list(islice(left, BATCH)):
        yield batch
