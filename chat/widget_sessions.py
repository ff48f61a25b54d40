"""The chat on another site has a session of its own.

It is never that of somebody who is signed in: what a visitor clicks on another site's page, that
site could have made him click. And only its cookie goes to a frame on another site.
"""

from collections.abc import Callable
from http.cookies import Morsel

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chat.visitors import COOKIE, WIDGET_COOKIE

ADDRESSES = "/widget"


class WidgetSessions:
    """Before Django's sessions: gives them the widget's cookie under its addresses."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info != ADDRESSES and not request.path_info.startswith(f"{ADDRESSES}/"):
            return self._get_response(request)
        request.COOKIES.pop(COOKIE, None)
        if WIDGET_COOKIE in request.COOKIES:
            request.COOKIES[COOKIE] = request.COOKIES[WIDGET_COOKIE]
        response = self._get_response(request)
        if COOKIE in response.cookies:
            rename(response, response.cookies.pop(COOKIE))
        return response


def rename(response: HttpResponse, cookie: "Morsel[str]") -> None:
    response.cookies[WIDGET_COOKIE] = cookie.value
    renamed = response.cookies[WIDGET_COOKIE]
    renamed.update({name: cookie[name] for name in ("expires", "max-age", "path", "httponly")})
    renamed["secure"] = settings.HTTPS
    # Partitioned: one for each site that the frame stands on, so that none follows a visitor from
    # one to the other (CHIPS). Python has no name for it before 3.14.
    renamed["samesite"] = "None; Partitioned" if settings.HTTPS else "Lax"
