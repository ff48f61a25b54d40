"""Embedding spaces: which one is searched, and when that changes."""

from django.db import transaction

from knowledge import vector_indexes
from knowledge.active_space import active_space, sighting
from knowledge.advisory_locks import EDITS_LOCK, SPACES_LOCK, hold_alone, hold_shared
from knowledge.embedders.base import Embedder
from knowledge.models import EmbeddingSpace
from knowledge.vector_indexes import ensure_index

__all__ = ["activate", "drop", "ensure_index", "hold_active", "space_of"]


def space_of(embedder: Embedder) -> EmbeddingSpace:
    """The embedder's space, made if new. Only where nothing can be found yet is it made active.

    Raises EmbedderError when the embedder must be asked for its dimension and does not answer.
    """
    space = EmbeddingSpace.objects.filter(fingerprint=embedder.fingerprint).first()
    if space and (space.active or active_space()):
        return space
    return settle(embedder.fingerprint, embedder.dimensions)


@transaction.atomic
def settle(fingerprint: str, dimensions: int) -> EmbeddingSpace:
    hold_alone(SPACES_LOCK)
    space, _ = EmbeddingSpace.objects.get_or_create(
        fingerprint=fingerprint, defaults={"dimensions": dimensions}
    )
    if active_space() is None:
        activate(space)
    return space


def activate(space: EmbeddingSpace) -> None:
    """From now on this space is searched, and no other. Call in a transaction."""
    EmbeddingSpace.objects.filter(active=True).exclude(pk=space.pk).update(active=False)
    EmbeddingSpace.objects.filter(pk=space.pk).update(active=True)
    space.active = True
    transaction.on_commit(sighting.forget)


def hold_active(expected: EmbeddingSpace) -> EmbeddingSpace:
    """The active space, which stays it until the transaction ends; usually the one expected.

    Call before vectors are stored: no answer is then stored in a space that is left meanwhile.
    """
    hold_shared(EDITS_LOCK)
    return EmbeddingSpace.objects.filter(active=True).first() or expected


def drop(space: EmbeddingSpace) -> None:
    """Free what an inactive space takes. Its embedder can only come back by a new `reembed`."""
    vector_indexes.drop_index(space)
    EmbeddingSpace.objects.filter(pk=space.pk, active=False).delete()
