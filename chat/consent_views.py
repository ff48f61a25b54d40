"""What visitors agree to: /api/consent says it, and takes their word and takes it back."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat import consents, visitors
from chat.consents import OutdatedConsentError
from chat.site_texts import current_text
from chat.strict_json import BadJsonError, parse_object
from chat.turn.events import JsonValue

LARGEST_BODY = 1024


@require_http_methods(["GET", "HEAD", "POST", "DELETE"])
@never_cache
def consent(request: HttpRequest) -> HttpResponse:
    """GET: the text in use. POST with its `version`: I agree. DELETE: I do not any more.

    409 with the text in use, where the version is another one.
    """
    match request.method:
        case "POST":
            return agreed(request)
        case "DELETE":
            consents.withdraw(visitors.identity_of_session(request.session))
            return HttpResponse(status=HTTPStatus.NO_CONTENT)
        case _:
            return JsonResponse(state(request))


def agreed(request: HttpRequest) -> HttpResponse:
    if request.content_type not in {"", "application/json"}:
        return HttpResponse(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    try:
        version = version_of(request)
    except BadJsonError as error:
        return JsonResponse({"error": {"code": error.code}}, status=HTTPStatus.BAD_REQUEST)
    try:
        consents.agree(visitors.remember(request.session), version)
    except OutdatedConsentError:
        return JsonResponse(state(request), status=HTTPStatus.CONFLICT)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def state(request: HttpRequest) -> dict[str, JsonValue]:
    identity = visitors.identity_of_session(request.session)
    text = current_text("consent", get_language() or "en")
    needed = consents.required_of(identity)
    return {"required": needed, "version": text.version, "html": text.html}


def version_of(request: HttpRequest) -> str:
    """Raises BadJsonError."""
    if len(request.body) > LARGEST_BODY:
        raise BadJsonError("too_large")
    try:
        version = parse_object(request.body.decode()).get("version")
    except UnicodeDecodeError as error:
        raise BadJsonError("bad_json") from error
    if not isinstance(version, str):
        raise BadJsonError("bad_text")
    return version
