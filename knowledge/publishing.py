"""Changes to answers: found, or found no more, from the next search on."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from knowledge.advisory_locks import EDITS_LOCK, hold_shared
from knowledge.embedders.base import Embedder
from knowledge.indexing import forget_terms, index, unindexed
from knowledge.models import Answer, EmbeddingSpace, Question
from knowledge.plain_text import content_hash


def store_edit(answer: Answer, embedder: Embedder, status: Answer.Status | None = None) -> None:
    """Note what an edited answer says and, if given, its new status; the next search says the same.

    Raises EmbedderError: what it says is noted all the same, but it is not published; one that was
    published before waits for its vector, and search does not find it meanwhile.
    """
    renew(answer)
    chosen = Answer.objects.filter(pk=answer.pk)
    if status == Answer.Status.PUBLISHED:
        publish(chosen, embedder, read=True)
    elif status:
        withdraw(chosen, status)
    hold_shared(EDITS_LOCK)  # what waits is told of the space that is searched from now on
    if waiting().filter(pk=answer.pk).exists():
        reindex([answer.pk], embedder)


def renew(answer: Answer) -> None:
    """Note what the answer says now: another hash, and a higher version, if it says something else.

    Call after its wordings are stored. From here on its old vector is stale and never answers.
    """
    questions = list(answer.questions.order_by("position", "id").values_list("text", flat=True))
    now = content_hash(questions, answer.text)
    if now == answer.content_hash:
        return
    answer.version += 1 if answer.content_hash else 0
    answer.content_hash = now
    answer.save(update_fields=["version", "content_hash", "updated_at"])


def reword(answer: Answer, wordings: Sequence[str]) -> None:
    """Give the answer these wordings, in this order; the first is its title."""
    if wordings == list(answer.questions.values_list("text", flat=True)):
        return
    answer.questions.all().delete()
    Question.objects.bulk_create(
        Question(answer=answer, text=text, position=position)
        for position, text in enumerate(wordings)
    )


def give_status(answers: QuerySet[Answer], status: Answer.Status, embedder: Embedder) -> int:
    """Publish or withdraw answers; how many changed. Raises EmbedderError, changing nothing."""
    if status == Answer.Status.PUBLISHED:
        return publish(answers, embedder)
    return withdraw(answers, status)


def publish(answers: QuerySet[Answer], embedder: Embedder, *, read: bool = False) -> int:
    """Make answers findable; how many changed. Raises EmbedderError and then changes nothing.

    Suspicious ones stay what they are unless a person has `read` them, which clears them.
    """
    with transaction.atomic():
        chosen = answers.exclude(status=Answer.Status.PUBLISHED)
        keys = locked(chosen if read else chosen.filter(suspicious=""))
        Answer.objects.filter(pk__in=keys).update(
            status=Answer.Status.PUBLISHED, suspicious="", updated_at=timezone.now()
        )
        reindex(keys, embedder)
    return len(keys)


def withdraw(answers: QuerySet[Answer], status: Answer.Status) -> int:
    """Make answers drafts or archived, out of every search from now on; how many changed."""
    with transaction.atomic():
        keys = locked(answers.exclude(status=status))
        forget_terms(keys)
        Answer.objects.filter(pk__in=keys).update(status=status)
    return len(keys)


def locked(answers: QuerySet[Answer]) -> list[int]:
    """Their keys; nobody else edits these answers before the transaction ends."""
    return list(answers.order_by("pk").select_for_update().values_list("pk", flat=True))


def waiting() -> QuerySet[Answer]:
    """Published answers that search does not find, for want of a fresh vector or of their terms."""
    in_use = EmbeddingSpace.objects.filter(active=True).first()
    if in_use is None:
        return Answer.objects.filter(status=Answer.Status.PUBLISHED)
    return unindexed(in_use)


@transaction.atomic
def reindex(keys: Sequence[int], embedder: Embedder) -> None:
    """Build the answers' search entries. Raises EmbedderError before anything is written."""
    chosen = Answer.objects.filter(pk__in=keys).order_by("pk").select_for_update()
    answers = list(chosen.prefetch_related("questions"))
    if answers:
        index(answers, embedder)
