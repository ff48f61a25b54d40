"""The chat page, and what it reads over HTTP."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from chat import conversations, visitors, wire_format
from chat.consents import required_of
from chat.conversations import NotFoundError
from chat.leaving import BadAddressError, destination
from chat.site_texts import texts_in
from chat.starting_questions import starting_questions
from chat.visitors import Identity


@require_safe
@never_cache
@gzip_page  # docs/decisions/0021 says why that is safe here
@ensure_csrf_cookie
def page(request: HttpRequest, conversation: UUID | None = None) -> HttpResponse:
    """The page; it also gives the visitor the session that its socket is known by."""
    identity = visitors.remember(request.session)
    context = {"conversation": conversation, **page_context(identity, get_language() or "en")}
    response = render(request, "chat/page.html", context)
    patch_vary_headers(response, ["Accept-Language"])
    return response


def page_context(identity: Identity, language: str) -> dict[str, object]:
    """What the page says of itself, and what it offers to ask."""
    return {
        "texts": texts_in(language),
        "questions": starting_questions(language),
        "consent_asked": settings.CONSENT_REQUIRED,
        "consent_needed": required_of(identity),
        "offline_page": settings.OFFLINE_PAGE,
    }


@require_safe
@never_cache
def message_detail(request: HttpRequest, message: UUID) -> JsonResponse:
    identity = visitors.identity_of_session(request.session)
    try:
        view = conversations.reply_view(identity, message)
    except NotFoundError:
        return JsonResponse({"error": {"code": "not_found"}}, status=404)
    return JsonResponse(wire_format.message(view))


@require_safe
@never_cache
def leave(request: HttpRequest) -> HttpResponse:
    """Says where a link leads before it is followed."""
    try:
        leads_to = destination(request.GET.get("to", ""))
    except BadAddressError:
        response = render(request, "chat/no_address.html", status=400)
    else:
        response = render(request, "chat/leave.html", {"destination": leads_to})
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
