"""Where somebody goes on after signing in or up: where they came from, on this site alone."""

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

LONGEST = 2_000


def way_back(request: HttpRequest) -> str:
    """What `next` says, else the page whose link was followed; the chat where neither is ours.

    The chat page changes its address without the server, so that its link cannot name it.
    """
    named = request.POST.get("next") or request.GET.get("next")
    address = named or referrer(request)
    # A bare word would be taken for the name of a view.
    leads = address.startswith(("/", "http:", "https:"))
    return address if leads and ours(request, address) else reverse("page")


def referrer(request: HttpRequest) -> str:
    """But for a page of these, which would lead in a circle."""
    address = request.headers.get("Referer", "")
    try:
        inside = urlsplit(address).path.startswith(reverse("account"))
    except ValueError:
        return ""
    return "" if inside else address


def ours(request: HttpRequest, address: str) -> bool:
    return len(address) <= LONGEST and url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
