"""The one place that chooses the embedder (by the space that is searched, else by the settings)
and the reranker."""

from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from knowledge.active_space import sighting
from knowledge.embedders.base import Embedder, EmbedderError
from knowledge.embedders.batches import RequestLimits
from knowledge.embedders.local import LocalEmbedder
from knowledge.embedders.openai_compatible import OpenAICompatibleEmbedder
from knowledge.rerankers.base import Reranker
from knowledge.rerankers.resting import RestingReranker

KEPT_EMBEDDERS = 4
"""The active one's and those of a change: the local model's threads, a remote one's connections."""
MINIMAX_MODEL = "embo-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """The settings name another embedder than the one that searches; `reembed` brings it in."""

    active: str
    """Fingerprint of the space that is searched."""
    configured: str
    """Beginning of the fingerprint that the settings stand for."""


def embedder() -> Embedder:
    """The embedder of the space that is searched; on an empty base, the one that settings name.

    Follows a change of space within a second. Blocks: it may ask the database. Raises EmbedderError
    when the settings lack what the space's embedder needs.
    """
    fingerprint = sighting.fingerprint()
    return embedder_of(fingerprint) if fingerprint else configured()


def configured() -> Embedder:
    """The embedder that the settings name."""
    return named(settings.EMBEDDER)


def named(kind: str, *, model: str = "", dimensions: int = 0) -> Embedder:
    """An embedder by EMBEDDER's value, with the settings' model and credentials.

    Raises EmbedderError with a sentence for the operator when something is missing.
    """
    if kind == "local":
        return local()
    if kind == settings.EMBEDDER:
        model, dimensions = model or settings.EMBEDDING_MODEL, dimensions or asked_dimensions(model)
    if kind == "minimax":
        return minimax(model or MINIMAX_MODEL)
    if not model:
        raise EmbedderError("Name the model: set EMBEDDING_MODEL, or use --model.")
    return openai(model, asked=dimensions)


@lru_cache(maxsize=KEPT_EMBEDDERS)
def embedder_of(fingerprint: str) -> Embedder:
    """The embedder that made a space. Raises EmbedderError when the settings lack what it needs."""
    kind, _, rest = fingerprint.partition("/")
    if kind == "local" and fingerprint == LocalEmbedder.fingerprint:
        return local()
    if kind == "minimax":
        made = minimax(rest.split("/")[0])
        if made.fingerprint == fingerprint:
            return made
    model, _, dimensions = rest.rpartition("/")
    if kind == "openai" and model and dimensions.isdecimal():
        return openai(model, asked=asked_dimensions(model), expected=int(dimensions))
    raise EmbedderError("The answers were embedded by an embedder that this version does not have.")


def limits() -> RequestLimits:
    return RequestLimits(
        seconds=settings.EMBEDDING_SECONDS, in_flight=settings.EMBEDDING_CONCURRENCY
    )


def mismatch() -> Mismatch | None:
    """Whether the settings name another embedder than the one that searches. Asks no embedder."""
    active, named_by_settings = sighting.fingerprint(), configured_prefix()
    if not active or f"{active}/".startswith(named_by_settings):
        return None
    return Mismatch(active=active, configured=named_by_settings.rstrip("/"))


def configured_prefix() -> str:
    """What fingerprints of the configured embedder begin with; a server may choose the rest."""
    if settings.EMBEDDER == "local":
        return f"{LocalEmbedder.fingerprint}/"
    dimensions = f"{settings.EMBEDDING_DIMENSIONS}/" if settings.EMBEDDING_DIMENSIONS else ""
    return f"{settings.EMBEDDER}/{settings.EMBEDDING_MODEL}/{dimensions}"


def asked_dimensions(model: str) -> int:
    """EMBEDDING_DIMENSIONS, which belong to EMBEDDING_MODEL and to no other."""
    belong = settings.EMBEDDER == "openai" and model in {"", settings.EMBEDDING_MODEL}
    return settings.EMBEDDING_DIMENSIONS if belong else 0


@lru_cache(maxsize=1)
def local() -> Embedder:
    return LocalEmbedder()


@lru_cache(maxsize=KEPT_EMBEDDERS)
def openai(model: str, *, asked: int = 0, expected: int = 0) -> Embedder:
    """EMBEDDING_BASE_URL is its server's, unless EMBEDDER=minimax gives it to MiniMax."""
    of_minimax = settings.EMBEDDER == "minimax"
    base_url = settings.OPENAI_BASE_URL if of_minimax else settings.EMBEDDING_BASE_URL
    if not (base_url or settings.EMBEDDING_API_KEY):
        raise EmbedderError(
            f"The embedder {model} needs EMBEDDING_BASE_URL or EMBEDDING_API_KEY, and neither is"
            " set."
        )
    return OpenAICompatibleEmbedder(
        model=model,
        api_key=settings.EMBEDDING_API_KEY,
        base_url=base_url,
        dimensions=asked,
        expected_dimensions=expected,
        limits=limits(),
    )


@lru_cache(maxsize=KEPT_EMBEDDERS)
def minimax(model: str) -> Embedder:
    # Importing it imports httpx2 (0.2 s of CPU), which the others here do without.
    from knowledge.embedders.minimax import MiniMaxEmbedder  # noqa: PLC0415

    if not settings.MINIMAX_API_KEY:
        raise EmbedderError(f"MiniMax's {model} needs MINIMAX_API_KEY, which is not set.")
    return MiniMaxEmbedder(
        model=model,
        api_key=settings.MINIMAX_API_KEY,
        group_id=settings.MINIMAX_GROUP_ID,
        base_url=settings.EMBEDDING_BASE_URL if settings.EMBEDDER == "minimax" else "",
        limits=limits(),
    )


@lru_cache(maxsize=1)
def reranker() -> Reranker | None:
    """The search's second stage; None where the settings name none, or not all that it needs."""
    if settings.RERANKER != "remote" or lacking_reranker_settings():
        return None
    from knowledge.rerankers.remote import RemoteReranker  # noqa: PLC0415  (as above: httpx2)

    return RestingReranker(
        RemoteReranker(
            model=settings.RERANKER_MODEL,
            api_key=settings.RERANKER_API_KEY,
            base_url=settings.RERANKER_BASE_URL,
            seconds=settings.RERANKER_SECONDS,
        )
    )


def lacking_reranker_settings() -> list[str]:
    """What RERANKER=remote needs and has not."""
    needed = ("RERANKER_BASE_URL", "RERANKER_MODEL")
    return [name for name in needed if not getattr(settings, name)]
