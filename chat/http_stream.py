"""POST /api/python: one question in, the reply's text streamed out. Stateless."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from chat.commands import CommandError, message_text
from chat.direct_turns import direct_turn
from chat.turn.events import TextDelta
from chat.wiring import generation

RETRY_SECONDS = 2


@csrf_exempt
async def python(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """200 with the text as it comes; 400 for anything but {"content": "…"}; 405 but for POST.

    A server that is about to stop answers 503.
    """
    match request.method:
        case "OPTIONS":
            response: HttpResponse | StreamingHttpResponse = HttpResponse(status=204)
        case "POST":
            response = answered(request)
        case _:
            response = HttpResponse(status=405, headers={"Allow": "OPTIONS, POST"})
    return with_cors(request, response)


def answered(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    if generation().draining:
        later = {"Retry-After": str(RETRY_SECONDS)}
        return JsonResponse({"error": {"code": "draining"}}, status=503, headers=later)
    try:
        question = content_of(request.body)
    except CommandError as error:
        return JsonResponse({"error": {"code": error.code}}, status=400)
    return StreamingHttpResponse(
        reply_text(question),
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def content_of(body: bytes) -> str:
    """Raises CommandError."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise CommandError("bad_json") from None
    if not isinstance(data, dict):
        raise CommandError("not_object")
    return message_text(data.get("content"))


async def reply_text(question: str) -> AsyncIterator[bytes]:
    """The reply's pieces. A visitor who leaves ends it, and with it the provider's stream."""
    async with aclosing(direct_turn(question, revisable=False)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                yield event.text.encode()


def with_cors(
    request: HttpRequest, response: HttpResponse | StreamingHttpResponse
) -> HttpResponse | StreamingHttpResponse:
    origin = request.headers.get("Origin", "")
    allowed = settings.PYTHON_API_ORIGINS
    if origin and ("*" in allowed or origin in allowed):
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Headers"] = "Content-Type"
        response["Access-Control-Allow-Methods"] = "POST"
        response["Vary"] = "Origin"
    return response
