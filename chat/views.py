"""The chat page, and what it reads over HTTP."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from chat import conversations, visitors, wire_format
from chat.commands import CommandError, optional_uuid, plain_text
from chat.conversations import NotFoundError


@require_safe
@never_cache
@ensure_csrf_cookie
def page(request: HttpRequest, conversation: UUID | None = None) -> HttpResponse:
    """The page; it also gives the visitor the session that its socket is known by."""
    visitors.remember(request.session)
    response = render(request, "chat/page.html", {"conversation": conversation})
    patch_vary_headers(response, ["Accept-Language"])
    return response


@require_safe
@never_cache
def conversation_list(request: HttpRequest) -> JsonResponse:
    """The visitor's conversations, the latest first; `before` names the last one of a page."""
    identity = visitors.identity_of_session(request.session)
    try:
        search = plain_text(request.GET.get("search", ""))
        listed = conversations.listed(identity, search=search, before=before(request))
    except NotFoundError:
        return refused("not_found", status=404)
    except CommandError as error:
        return refused(error.code, status=400)
    return JsonResponse(
        {"conversations": [wire_format.conversation_object(each) for each in listed]}
    )


@require_safe
@never_cache
def conversation_detail(request: HttpRequest, conversation: UUID) -> JsonResponse:
    """What `sync` tells of a conversation, or the messages `before` one of them."""
    identity = visitors.identity_of_session(request.session)
    try:
        first = before(request)
        if first is None:
            view = conversations.whole(identity, conversation)
            return JsonResponse(wire_format.sync_object(view))
        earlier = conversations.earlier_messages(identity, conversation, before=first)
    except NotFoundError:
        return refused("not_found", status=404)
    except CommandError as error:
        return refused(error.code, status=400)
    return JsonResponse({"messages": [wire_format.message(each) for each in earlier]})


@require_safe
@never_cache
def message_detail(request: HttpRequest, message: UUID) -> JsonResponse:
    identity = visitors.identity_of_session(request.session)
    try:
        view = conversations.reply_view(identity, message)
    except NotFoundError:
        return refused("not_found", status=404)
    return JsonResponse(wire_format.message(view))


def before(request: HttpRequest) -> UUID | None:
    """Raises CommandError for something that is no id."""
    return optional_uuid(request.GET.get("before"))


def refused(code: str, *, status: int) -> JsonResponse:
    return JsonResponse({"error": {"code": code}}, status=status)
