"""How pages of accounts are answered: never kept by a cache, and gone when somebody has left."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from chat.accounts.forms import focus_first_error

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

LEFT = '"cache", "storage"'
"""For Clear-Site-Data: what the next person at this browser need not find. Cookies say who one is,
and the session's has just been renewed."""


def account_page(*methods: str) -> Callable[[View[P]], View[P]]:
    """A view for these methods that no cache keeps, and whose errors tell no password."""

    def decorated(view: View[P]) -> View[P]:
        return require_http_methods(methods)(never_cache(sensitive_post_parameters()(view)))

    return decorated


def shown(
    request: HttpRequest, name: str, *, form: BaseForm | None = None, **context: object
) -> HttpResponse:
    """The page of that name, with a form that may have errors."""
    status = HTTPStatus.OK
    if form:
        focus_first_error(form)
        status = status_of(form)
    told = {"form": form, "sign_up_open": settings.SIGN_UP, **context}
    response = render(request, f"registration/{name}.html", told, status=status)
    patch_vary_headers(response, ["Accept-Language"])
    return response


def status_of(form: BaseForm) -> HTTPStatus:
    codes = {error.code for errors in form.errors.as_data().values() for error in errors}
    return HTTPStatus.TOO_MANY_REQUESTS if "too_often" in codes else HTTPStatus.OK


def cleared(response: HttpResponse) -> HttpResponse:
    response["Clear-Site-Data"] = LEFT
    return response
