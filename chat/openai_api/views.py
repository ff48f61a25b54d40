"""The addresses under /v1. Errors are in OpenAI's form throughout."""

import time
import uuid
from collections.abc import Callable, Coroutine
from functools import cache, wraps
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from chat.openai_api.access import key_of
from chat.openai_api.completion import Completion, model_list, model_object
from chat.openai_api.completion_request import MODEL, parse_completion_request
from chat.openai_api.refusals import RefusalError, error_object, unavailable, unknown_model
from chat.openai_api.replies import Exchange, stream, whole
from chat.openai_api.slots import Slots
from chat.wiring import generation

Answer = HttpResponse | StreamingHttpResponse
View = Callable[..., Coroutine[None, None, Answer]]


def v1(*methods: str) -> Callable[[View], View]:
    """A view of /v1: for programs, so without CSRF; what it refuses is told in OpenAI's form."""

    def decorated(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        async def answered(request: HttpRequest, **parts: str) -> Answer:
            try:
                refuse_other_methods(request, methods)
                response = await view(request, **parts)
            except RefusalError as refusal:
                response = refused(refusal)
            response["Cache-Control"] = "no-store"
            if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
                response["Allow"] = ", ".join(methods)
            return response

        return answered

    return decorated


@v1("POST")
async def chat_completions(request: HttpRequest) -> Answer:
    key = await key_of(request)
    if generation().draining:
        raise unavailable("draining")
    asked = parse_completion_request(body_of(request))
    exchange = Exchange(
        key=key,
        request=asked,
        completion=Completion(
            id=f"chatcmpl-{uuid.uuid4().hex}",
            created=int(time.time()),
            include_usage=asked.include_usage,
        ),
        slot=slots().take(key.pk),
    )
    if not asked.stream:
        return JsonResponse(await whole(exchange))
    return StreamingHttpResponse(
        stream(exchange),
        content_type="text/event-stream; charset=utf-8",
        headers={"X-Accel-Buffering": "no"},
    )


@v1("GET", "HEAD")
async def models(request: HttpRequest) -> Answer:
    await key_of(request)
    return JsonResponse(model_list())


@v1("GET", "HEAD")
async def model(request: HttpRequest, name: str) -> Answer:
    await key_of(request)
    if name != MODEL:
        raise unknown_model()
    return JsonResponse(model_object())


@csrf_exempt
async def nothing_here(_request: HttpRequest, **_parts: str) -> Answer:
    return refused(
        RefusalError("There is nothing at this address.", status=404, code="unknown_url")
    )


def refuse_other_methods(request: HttpRequest, methods: tuple[str, ...]) -> None:
    if request.method not in methods:
        raise RefusalError(
            f"This address answers {' and '.join(methods)} alone.",
            status=405,
            code="method_not_supported",
        )


def body_of(request: HttpRequest) -> bytes:
    """Read by hand: Django's own limit does not see a body that comes in chunks."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body: bytes = request.read(limit + 1)
    if len(body) > limit:
        raise RefusalError(f"The body has more than {limit:,} bytes.", status=413, code="too_large")
    return body


def refused(refusal: RefusalError) -> HttpResponse:
    response = JsonResponse(error_object(refusal), status=refusal.status)
    if refusal.retry_seconds is not None:
        response["Retry-After"] = str(refusal.retry_seconds)
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


@cache
def slots() -> Slots:
    return Slots(settings.API_KEY_CONCURRENCY)
