"""Whether the process lives, and whether it can serve."""

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse

from chat.database import in_embedder
from chat.wiring import delta_log, generation
from knowledge.embedders.base import EmbedderError
from knowledge.models import EmbeddingSpace
from knowledge.spaces import space_of
from knowledge.wiring import embedder


async def alive(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


async def ready(_request: HttpRequest) -> JsonResponse:
    """200 when every needed part works, else 503 with the name of one that does not."""
    failing = "draining" if generation().draining else await failing_part()
    told = {"ready": not failing, "failing": failing, "degraded": degraded_parts()}
    return JsonResponse(told, status=503 if failing else 200)


async def failing_part() -> str | None:
    try:
        await in_embedder(active_embedder_space)
    except DatabaseError:
        return "database"
    except EmbedderError:
        return "embedder"
    return None


def active_embedder_space() -> EmbeddingSpace:
    return space_of(embedder())


def degraded_parts() -> list[str]:
    """What is missing and not needed: alone, a process does without Redis."""
    return [] if delta_log().connected else ["redis"]
