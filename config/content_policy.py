"""What the admin needs of the Content Security Policy."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

NO_TRUSTED_TYPES = {"require-trusted-types-for": None, "trusted-types": None}


class AdminContentPolicy:
    """Django's admin has jQuery, which makes HTML of strings; all else keeps to trusted types."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if request.path_info.startswith(reverse("admin:index")):
            response._csp_replace = NO_TRUSTED_TYPES  # type: ignore[attr-defined]  # django-csp's
        return response
