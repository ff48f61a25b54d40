"""The embedder, the reranker, and whether what is published can be found."""

from collections.abc import Iterator

from django.conf import settings

from config.doctor.findings import Finding, ok, problem, warning
from knowledge.calibration import GROWTH
from knowledge.embedders.base import Embedder, EmbedderError
from knowledge.indexing import unindexed
from knowledge.models import Answer, EmbeddingSpace
from knowledge.rerankers.base import RerankerError
from knowledge.wiring import embedder, lacking_reranker_settings, mismatch, reranker

PROBE = "What can I ask here?"
NO_KNOWLEDGE = "`manage.py ingest PATH --publish` loads your experts' answers."


def search() -> Iterator[Finding]:
    """Needs the database, in which the space that is searched stands. Raises DatabaseError."""
    try:
        using = embedder()
    except EmbedderError as error:  # its sentence is for the operator
        yield problem("embedder", str(error))
        return
    found = embedding(using)
    yield found
    if found.level == "ok":
        yield from mismatched()
        yield from knowledge(using)
    yield from reranking()


def mismatched() -> Iterator[Finding]:
    other = mismatch()
    if other:
        yield warning(
            "embedder",
            f"The settings name {other.configured}, and the answers are in {other.active}.",
            "Run `manage.py reembed`, or correct EMBEDDER.",
        )


def embedding(using: Embedder) -> Finding:
    try:
        vectors = using.embed_queries([PROBE])
        dimensions = using.dimensions
    except EmbedderError:
        return problem(
            "embedder",
            "It does not embed, so that nothing can be searched or published.",
            "Look at EMBEDDER and its settings: docs/providers.md has them.",
        )
    if vectors.shape != (1, dimensions):
        return problem(
            "embedder",
            f"Its vectors have {vectors.shape[-1]} dimensions in place of {dimensions}.",
            "Correct EMBEDDING_DIMENSIONS.",
        )
    return ok("embedder", f"{using.fingerprint} answers")


def knowledge(using: Embedder) -> Iterator[Finding]:
    published = Answer.objects.filter(status=Answer.Status.PUBLISHED).count()
    if not published:
        yield warning("knowledge", "No answer is published.", NO_KNOWLEDGE)
        return
    space = EmbeddingSpace.objects.filter(fingerprint=using.fingerprint, active=True).first()
    if space is None:
        yield problem(
            "knowledge",
            f"{published:,} answers are published, and none in this embedder's space.",
            "Run `manage.py set_up`: it embeds them.",
        )
        return
    yield findable(space, published)
    yield calibrated(space, published)


def findable(space: EmbeddingSpace, published: int) -> Finding:
    waiting = unindexed(space).count()
    if waiting:
        return problem(
            "knowledge",
            f"{waiting:,} of {published:,} published answers cannot be found.",
            "Run `manage.py set_up`: it makes their search entries.",
        )
    return ok("knowledge", f"{published:,} answers are published and can be found")


def calibrated(space: EmbeddingSpace, published: int) -> Finding:
    if not space.calibrated_at:
        return problem("bars", "They were never learnt.", "Run `manage.py calibrate`.")
    if abs(published - space.calibrated_answers) > GROWTH * space.calibrated_answers:
        return warning(
            "bars",
            f"They were learnt with {space.calibrated_answers:,} answers; {published:,} are"
            " published now.",
            "Run `manage.py calibrate`.",
        )
    return ok("bars", f"Learnt on {space.calibrated_at:%Y-%m-%d}")


def reranking() -> Iterator[Finding]:
    """Nothing where there is none: it is off by default."""
    if settings.RERANKER == "off":
        return
    using = reranker()
    if using is None:
        yield problem("reranker", f"It needs {' and '.join(lacking_reranker_settings())}.")
        return
    try:
        using.rerank(PROBE, [PROBE, NO_KNOWLEDGE])
    except RerankerError as error:  # its sentence is for the operator
        yield warning(
            "reranker",
            f"{error} The search goes without it meanwhile.",
            "Look at RERANKER and its settings: docs/providers.md has them.",
        )
        return
    yield ok("reranker", f"{settings.RERANKER_MODEL} answers")
