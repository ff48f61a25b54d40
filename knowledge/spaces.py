"""Embedding spaces: which one is searched, and its index."""

from django.db import connection, transaction
from psycopg import sql

from knowledge.embedders.base import Embedder
from knowledge.models import EmbeddingSpace

SPACES_LOCK = 7_203_811
"""Advisory lock: two processes that meet a new embedder make its space once."""


def space_of(embedder: Embedder) -> EmbeddingSpace:
    """The embedder's space, made with its index if new. It becomes the active one.

    Raises EmbedderError when the embedder must be asked for its dimension and does not answer.
    """
    fingerprint = embedder.fingerprint
    space = EmbeddingSpace.objects.filter(fingerprint=fingerprint, active=True).first()
    return space or activate(fingerprint, embedder.dimensions)


@transaction.atomic
def activate(fingerprint: str, dimensions: int) -> EmbeddingSpace:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SPACES_LOCK])
    space, created = EmbeddingSpace.objects.get_or_create(
        fingerprint=fingerprint, defaults={"dimensions": dimensions}
    )
    if created:
        create_index(space)
    EmbeddingSpace.objects.filter(active=True).exclude(pk=space.pk).update(active=False)
    EmbeddingSpace.objects.filter(pk=space.pk).update(active=True)
    space.active = True
    return space


def create_index(space: EmbeddingSpace) -> None:
    """One partial HNSW index a space: a cast gives the column the dimension that it lacks."""
    statement = sql.SQL(
        "CREATE INDEX {name} ON knowledge_answervector"
        " USING hnsw ((embedding::halfvec({dimensions})) halfvec_cosine_ops)"
        " WHERE space_id = {space}"
    ).format(
        name=sql.Identifier(f"vector_hnsw_space_{space.pk}"),
        dimensions=sql.Literal(space.dimensions),
        space=sql.Literal(space.pk),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
