"""What makes the page an application on a phone: manifest, service worker, page without network."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.module_graph import modules_of
from chat.site_texts import SiteTextVersion, current_text

PAPER = "#faf8f3"
MODULE = "chat/offline.js"
PARTS = ("chat/chat.css", "chat/early.js", "chat/icon.svg")


@require_safe
@never_cache
def manifest(request: HttpRequest) -> JsonResponse:
    """https://www.w3.org/TR/appmanifest/, in the language of the page."""
    facts = {
        "id": reverse("page"),
        "start_url": reverse("page"),
        "scope": reverse("page"),
        "name": _("Expertline: ask, and experts answer"),
        "short_name": "Expertline",
        "description": _("Answers from what autism specialists have written."),
        "lang": page_language(),
        "dir": "ltr",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": PAPER,
        "icons": [
            icon("icon.svg", "any", "any"),
            icon("icon-192.png", "192x192", "any"),
            icon("icon-512.png", "512x512", "any"),
            icon("icon-maskable-512.png", "512x512", "maskable"),
        ],
    }
    return JsonResponse(facts, content_type="application/manifest+json")


def icon(name: str, sizes: str, purpose: str) -> dict[str, str]:
    kind = "image/svg+xml" if name.endswith(".svg") else "image/png"
    return {"src": static(f"chat/{name}"), "sizes": sizes, "type": kind, "purpose": purpose}


@require_safe
@never_cache
def service_worker(request: HttpRequest) -> HttpResponse:
    """At the root, because a worker is responsible for what lies beside it.

    `?language=` is that of the page it keeps: another one is another worker to the browser.
    """
    with override(language_of(request)):
        offline = f"{reverse('offline')}?language={get_language()}"
        parts = [offline, *(static(name) for name in (*PARTS, *modules_of(MODULE)))]
        context = {
            "offline": offline,
            "parts": parts,
            "version": fingerprint(),
            "wanted": settings.OFFLINE_PAGE,
        }
        script = render_to_string("chat/service_worker.js", context)
    return HttpResponse(script, content_type="text/javascript; charset=utf-8")


@require_safe
@never_cache
def offline(request: HttpRequest) -> HttpResponse:
    """The same for everybody: it is kept in browsers, and knows nobody."""
    with override(language_of(request)):
        return render(request, "chat/offline.html", what_it_says())


def what_it_says() -> dict[str, SiteTextVersion]:
    """Of the operator's texts, in the language that is active."""
    return {"crisis": current_text("crisis", get_language() or "en")}


def language_of(request: HttpRequest) -> str:
    """One of ours: the named one, or that of the request."""
    named = request.GET.get("language", "")
    return named if named in dict(settings.LANGUAGES) else get_language() or "en"


def page_language() -> str:
    language = get_language()
    return "zh-Hans" if language == "zh-hans" else language or "en"


def fingerprint() -> str:
    """Of the page without network and all that it needs: when it changes, so does the worker."""
    told = hashlib.sha256(render_to_string("chat/offline.html", what_it_says()).encode())
    for name in (*PARTS, *modules_of(MODULE)):
        told.update(name.encode() + Path(str(finders.find(name))).read_bytes())
    return told.hexdigest()[:16]
