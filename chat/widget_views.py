"""The chat on other sites: the script that they name, and the page of the frame it opens."""

import json
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import condition, require_safe

from chat import consent_views, visitors
from chat.conversation_list import listed
from chat.http_callers import from_elsewhere
from chat.views import page_context
from chat.visitors import Identity
from chat.widget_origins import allowed_origins

SCRIPT = "chat/widget.js"
SCRIPT_SECONDS = 3600
SAME_VISIT = timedelta(hours=12)


@require_safe
@never_cache
@gzip_page
@xframe_options_exempt  # frame-ancestors says it better
def page(request: HttpRequest) -> HttpResponse:
    """`origin` is the site around the frame; nobody but that site hears that it was closed."""
    origins = allowed_origins()
    origin = request.GET.get("origin", "")
    language = language_of(request)
    identity = visitors.remember(request.session)
    with override(language):
        context = page_context(identity, language)
        context["origin"] = origin if origin in origins else ""
        context["conversation"] = recent_conversation(identity)
        response = render(request, "chat/widget.html", context)
    response["Content-Language"] = language
    allow = {"frame-ancestors": origins or ["'none'"]}
    response._csp_replace = allow  # type: ignore[attr-defined]  # django-csp's
    return response


def recent_conversation(identity: Identity) -> UUID | None:
    """Today's, to go on with on the site's next page: a frame may have no storage of its own."""
    for entry in listed(identity)[:1]:
        if timezone.now() - entry.at < SAME_VISIT:
            return entry.id
    return None


@csrf_exempt  # a frame on another site has no cookie for a token; browsers tell who is asking
def consent(request: HttpRequest) -> HttpResponse:
    if from_elsewhere(request):
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    return consent_views.consent(request)


def language_of(request: HttpRequest) -> str:
    asked = request.GET.get("language", "")
    return asked if asked in dict(settings.LANGUAGES) else get_language() or settings.LANGUAGE_CODE


def hash_of_script(_request: HttpRequest) -> str:
    return f'"{sha256(script_text().encode()).hexdigest()[:16]}"'


@require_safe
@cache_control(public=True, max_age=SCRIPT_SECONDS)
@gzip_page
@condition(etag_func=hash_of_script)
def script(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(script_text(), content_type="text/javascript; charset=utf-8")
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@lru_cache(maxsize=1)
def script_text() -> str:
    """The script, after what it says in each language: on another site there are no templates."""
    source = Path(str(finders.find(SCRIPT))).read_text(encoding="utf-8")
    texts = json.dumps({code: texts_in(code) for code, _name in settings.LANGUAGES})
    return f"(() => {{\nconst TEXTS = {texts};\n{source}}})();\n"


def texts_in(language: str) -> dict[str, str]:
    with override(language):
        return {
            "open": _("Ask the experts"),
            "close": _("Close the chat"),
            "frame": _("Chat: ask, and experts answer"),
        }
