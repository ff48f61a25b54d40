"""The one place that chooses the language model and the delta log."""

from contextlib import suppress
from functools import cache

from django.conf import settings

from chat.database import in_embedder
from chat.delta_log.base import DeltaLog
from chat.delta_log.memory import MemoryDeltaLog
from chat.delta_log.redis import RedisDeltaLog
from chat.generation import Generation
from chat.llm.clocks import ModelClocks
from chat.llm.openai import OpenAILanguageModel
from chat.llm.resting import RestingLanguageModel
from chat.tools import KnowledgeSearch
from chat.turn.expert_search import ExpertSearch
from chat.turn.language_model import LanguageModel, UpstreamError
from knowledge.embedders.base import EmbedderError
from knowledge.wiring import embedder, reranker


@cache
def language_model() -> LanguageModel | None:
    """The configured model, or None: then the experts are quoted."""
    if not (settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL):
        return None
    return OpenAILanguageModel(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        model=settings.CHAT_MODEL,
        temperature=settings.CHAT_TEMPERATURE,
        clocks=ModelClocks(
            first_content_seconds=settings.MODEL_FIRST_TOKEN_SECONDS,
            progress_seconds=settings.MODEL_PROGRESS_SECONDS,
            round_seconds=settings.MODEL_ROUND_SECONDS,
        ),
        connect_seconds=settings.MODEL_CONNECT_SECONDS,
    )


@cache
def model_for_visitors() -> LanguageModel | None:
    """They are answered without it while it keeps failing."""
    model = language_model()
    if model is None or not settings.MODEL_REST_SECONDS:
        return model
    return RestingLanguageModel(model, rest_seconds=settings.MODEL_REST_SECONDS)


@cache
def expert_search() -> ExpertSearch:
    return KnowledgeSearch(embedder, reranker)


@cache
def delta_log() -> DeltaLog:
    """Redis where there is one, for then there may be several processes."""
    if settings.REDIS_URL:
        return RedisDeltaLog(settings.REDIS_URL, prefix=settings.REDIS_PREFIX)
    return MemoryDeltaLog()


async def warm_up() -> None:
    """Load the provider's client and the embedder, so that the first visitor need not wait."""
    model = language_model()
    if isinstance(model, OpenAILanguageModel):
        with suppress(UpstreamError):
            await model.warm_up()
    with suppress(EmbedderError):
        await in_embedder(embed_something)


def embed_something() -> None:
    embedder().embed_queries(["warm up"])


@cache
def generation() -> Generation:
    """The process's turns. Its tasks belong to the event loop that first asks for it."""
    return Generation(
        delta_log(),
        expert_search(),
        model_for_visitors(),
        lease_seconds=settings.TURN_LEASE_SECONDS,
    )
