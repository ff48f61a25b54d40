"""A conversation outside of the chat: as a file, on paper, and for whoever has its link."""

from collections.abc import Callable
from http import HTTPStatus
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat import visitors
from chat.commands import CommandError, optional_uuid
from chat.conversations import NotFoundError
from chat.exporting import everything, file_name, markdown
from chat.http_callers import site_of
from chat.sharing import shared_under
from chat.transcripts import Transcript, transcript_for

PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


@require_safe
@never_cache
def export(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """A file to keep: `?format=md` to read, `?format=json` with everything."""
    write = EXPORTS.get(request.GET.get("format", "md"))
    if write is None:
        return JsonResponse({"error": {"code": "bad_text"}}, status=HTTPStatus.BAD_REQUEST)
    try:
        return write(request, conversation)
    except NotFoundError:
        return JsonResponse({"error": {"code": "not_found"}}, status=HTTPStatus.NOT_FOUND)


def as_markdown(request: HttpRequest, conversation: UUID) -> HttpResponse:
    transcript = transcript_of(request, conversation)
    response = HttpResponse(markdown(transcript), content_type="text/markdown; charset=utf-8")
    return named(response, file_name(transcript.title, "md"))


def transcript_of(request: HttpRequest, conversation: UUID) -> Transcript:
    """`?last=` names the message that it ends with. Raises NotFoundError."""
    identity = visitors.identity_of_session(request.session)
    try:
        last = optional_uuid(request.GET.get("last"))
    except CommandError:
        raise NotFoundError from None
    return transcript_for(identity, conversation, last=last)


def as_json(request: HttpRequest, conversation: UUID) -> HttpResponse:
    identity = visitors.identity_of_session(request.session)
    told, title = everything(identity, conversation, site=site_of(request))
    response = JsonResponse(told, json_dumps_params={"ensure_ascii": False, "indent": 2})
    return named(response, file_name(title, "json"))


EXPORTS: dict[str, Callable[[HttpRequest, UUID], HttpResponse]] = {
    "md": as_markdown,
    "json": as_json,
}


def named(response: HttpResponse, name: str) -> HttpResponse:
    disposition = content_disposition_header(as_attachment=True, filename=name)
    response["Content-Disposition"] = disposition or "attachment"
    return response


@require_safe
@never_cache
def print_page(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """For paper; whose it is not, is told that there is none."""
    try:
        transcript = transcript_of(request, conversation)
    except NotFoundError:
        raise Http404 from None
    context = {"transcript": transcript, "conversation": conversation}
    return render(request, "chat/print.html", context)


@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """For whoever has the link. Nobody is made a visitor by reading."""
    try:
        copy = shared_under(token)
    except NotFoundError:
        response = render(request, "404.html", status=HTTPStatus.NOT_FOUND)
    else:
        response = render(request, "chat/shared.html", {"copy": copy})
    for name, value in PRIVATE.items():
        response[name] = value
    return response
