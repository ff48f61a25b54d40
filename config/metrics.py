"""What the process counts, for Prometheus: told to this machine and to networks of the settings."""

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chat.addresses import parsed, within

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
"""A request with one of these comes through a proxy, from who knows where."""


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not may_read(request):
        raise PermissionDenied
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    peer = parsed(request.META.get("REMOTE_ADDR", ""))
    if peer is None or any(name in request.headers for name in FORWARDED):
        return False
    return peer.is_loopback or within(peer, settings.METRICS_ALLOWED)
