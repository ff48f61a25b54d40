"""A visitor's conversations over HTTP: to list, read, rename, delete, restore and share."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from uuid import UUID

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, JsonResponse
from django.utils.translation import get_language

from chat import conversation_changes, conversations, sharing, visitors, wire_format
from chat.commands import MAX_FRAME_BYTES, CommandError, Fields, optional_uuid, plain_text
from chat.conversation_list import listed
from chat.database import in_database
from chat.delta_log.bells import Changed
from chat.http_callers import site_of
from chat.http_refusals import REFUSING, STATUSES, RefusedError, refusal
from chat.obeying import code_of
from chat.send_limits import searches
from chat.strict_json import BadJsonError, parse_object
from chat.turn.events import JsonValue
from chat.visitors import Identity
from chat.wire_format import ConversationEntry
from chat.wiring import generation

JSON = "application/json"
NO_CONTENT = HTTPStatus.NO_CONTENT

Action = Callable[..., Coroutine[None, None, HttpResponse]]


class NotJsonError(Exception):
    """The body is of another type."""


def for_methods(**actions: Action) -> Action:
    """A view. Django asks for the page's CSRF token wherever something is changed."""
    allowed = ", ".join(sorted({*actions, *(["HEAD"] if "GET" in actions else [])}))

    async def view(request: ASGIRequest, **parts: UUID) -> HttpResponse:
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method in actions:
            response = await done_or_refused(actions[method], request, **parts)
        else:
            response = HttpResponse(status=405, headers={"Allow": allowed})
        response["Cache-Control"] = "no-store"
        return response

    return view


async def done_or_refused(action: Action, request: ASGIRequest, **parts: UUID) -> HttpResponse:
    """To its end, also for a caller who has left: then other windows still hear of it."""
    turns = generation()
    turns.begin()
    try:
        return await turns.undisturbed(action(request, **parts))
    except NotJsonError:
        return HttpResponse(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    except RefusedError as error:
        return refusal(error, get_language() or "en")
    except REFUSING as error:
        told = error.code if isinstance(error, CommandError) else code_of(error)
        status = STATUSES.get(told, HTTPStatus.BAD_REQUEST)
        return JsonResponse({"error": {"code": told}}, status=status)


# --- To read


async def conversation_list(request: ASGIRequest) -> HttpResponse:
    """The latest first; `before` names the last one of a page."""
    search = plain_text(request.GET.get("search", ""))
    identity = await caller(request)
    wait = searches().take(str(identity.visitor)) if search else 0
    if wait:
        raise RefusedError("rate_limited", retry_seconds=wait)
    entries = await in_database(listed, identity, search=search, before=before(request))
    shown = [conversation_object(request, entry) for entry in entries]
    return JsonResponse({"conversations": shown})


async def conversation_detail(request: ASGIRequest, conversation: UUID) -> HttpResponse:
    """What `sync` tells of a conversation, or the messages `before` one of them."""
    identity, first = await caller(request), before(request)
    if first is None:
        view = await in_database(conversations.whole, identity, conversation)
        return JsonResponse(wire_format.sync_object(view))
    earlier = await in_database(
        conversations.earlier_messages, identity, conversation, before=first
    )
    return JsonResponse({"messages": [wire_format.message(each) for each in earlier]})


# --- To change


async def rename(request: ASGIRequest, conversation: UUID) -> HttpResponse:
    title = conversation_changes.title_of(fields_of(request, "title").get("title"))
    entry = await in_database(
        conversation_changes.rename, await caller(request), conversation, title
    )
    return told_of_change(request, entry)


async def delete(request: ASGIRequest, conversation: UUID) -> HttpResponse:
    fields_of(request)
    deletion = await in_database(conversation_changes.delete, await caller(request), conversation)
    turns = generation()
    turns.log.ring(Changed(conversation=conversation, rev=deletion.rev, deleted=True))
    if deletion.running:
        turns.stop(deletion.running)
    return HttpResponse(status=NO_CONTENT)


async def restore(request: ASGIRequest, conversation: UUID) -> HttpResponse:
    fields_of(request)
    entry = await in_database(conversation_changes.restore, await caller(request), conversation)
    return told_of_change(request, entry)


async def share(request: ASGIRequest, conversation: UUID) -> HttpResponse:
    last = optional_uuid(fields_of(request, "last").get("last"))
    entry = await in_database(sharing.share, await caller(request), conversation, last=last)
    ring(entry.id, entry.rev)
    return JsonResponse({"url": conversation_object(request, entry)["shared"]})


async def revoke(request: ASGIRequest, conversation: UUID) -> HttpResponse:
    fields_of(request)
    rev = await in_database(sharing.revoke, await caller(request), conversation)
    ring(conversation, rev)
    return HttpResponse(status=NO_CONTENT)


def told_of_change(request: ASGIRequest, entry: ConversationEntry) -> HttpResponse:
    ring(entry.id, entry.rev)
    return JsonResponse(conversation_object(request, entry))


def ring(conversation: UUID, rev: int) -> None:
    """Other windows shall hear of it."""
    generation().log.ring(Changed(conversation=conversation, rev=rev))


# --- What requests say, and what answers name


async def caller(request: ASGIRequest) -> Identity:
    return await in_database(lambda: visitors.identity_of_session(request.session))


def before(request: ASGIRequest) -> UUID | None:
    """Raises CommandError for something that is no id."""
    return optional_uuid(request.GET.get("before"))


def fields_of(request: ASGIRequest, *known: str) -> Fields:
    """What the body says; there may be none. Raises CommandError, NotJsonError."""
    if request.content_type not in {"", JSON}:
        raise NotJsonError
    body: bytes = request.read(MAX_FRAME_BYTES + 1)
    if len(body) > MAX_FRAME_BYTES:
        raise CommandError("too_large")
    fields = parsed(body) if body else {}
    if not fields.keys() <= {*known}:
        raise CommandError("unknown_field")
    return fields


def parsed(body: bytes) -> Fields:
    try:
        return parse_object(body.decode())
    except UnicodeDecodeError:
        raise CommandError("bad_json") from None
    except BadJsonError as error:
        raise CommandError(error.code) from None


def conversation_object(request: ASGIRequest, entry: ConversationEntry) -> dict[str, JsonValue]:
    return wire_format.conversation_object(entry, site=site_of(request))


conversations_view = for_methods(GET=conversation_list)
conversation_to_read = for_methods(GET=conversation_detail)
conversation_view = for_methods(GET=conversation_detail, PATCH=rename, DELETE=delete)
restore_view = for_methods(POST=restore)
share_view = for_methods(POST=share, DELETE=revoke)
