"""POST /api/chat and GET /api/turns/<id>/events: the socket's commands and streams over HTTP."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from functools import partial, wraps
from http import HTTPStatus
from uuid import UUID

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from chat import conversations, wire_format
from chat.commands import (
    MAX_FRAME_BYTES,
    Command,
    CommandError,
    GiveFeedback,
    Notify,
    Regenerate,
    Send,
    Stop,
    parse_command,
)
from chat.database import in_database
from chat.delta_log.base import DeltaLog
from chat.event_stream import EventStream, event, refusal_of_stream
from chat.handshake import Handshake
from chat.http_callers import Caller, caller_of, from_elsewhere, keep, refuse_too_fast
from chat.http_refusals import REFUSING, RefusedError, refusal
from chat.metrics import RESUMES
from chat.obeying import start_turn, stop_turn, take_note
from chat.retelling import in_log, refuse_unreached, retold_after_loss
from chat.turn.cursor import START, Cursor
from chat.turn_reading import Piece, retold_pieces, turn_pieces
from chat.visitors import Identity
from chat.wire_format import TurnView
from chat.wiring import generation

JSON = "application/json"
EVENTS = "text/event-stream"
NO_ROOM = {"overloaded": "unavailable", "too_many": "rate_limited"}
ROOM_RETRY_SECONDS = 5.0

Answer = HttpResponse | StreamingHttpResponse
Parts = dict[str, UUID]
View = Callable[..., Coroutine[None, None, Answer]]


def for_programs(method: str) -> Callable[[View], View]:
    """A view without CSRF tokens: instead, a page that calls it must be one of ours."""

    def decorated(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        async def answered(request: ASGIRequest, **parts: UUID) -> Answer:
            if request.method != method:
                response: Answer = HttpResponse(status=405, headers={"Allow": method})
            elif from_elsewhere(request):
                response = HttpResponse(status=HTTPStatus.FORBIDDEN)
            else:
                response = await obeyed_or_refused(view, request, parts)
            response["Cache-Control"] = "no-store"
            return response

        return answered

    return decorated


async def obeyed_or_refused(view: View, request: ASGIRequest, parts: Parts) -> Answer:
    handshake = Handshake.of_scope(request.scope)
    generation().begin()
    try:
        return await view(request, handshake, **parts)
    except REFUSING as error:
        return refusal(error, handshake.language)


@for_programs("POST")
async def chat(request: ASGIRequest, handshake: Handshake) -> Answer:
    """Obeys one of the socket's commands: `send`, which need not name its type, and the others
    that ask for no stream of their own."""
    if request.content_type != JSON:
        return HttpResponse(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    command = command_of(request)
    caller = await caller_of(handshake)
    match command:
        case Send() | Regenerate():
            return await asked(request, caller, command)
        case Stop():
            await stop_turn(caller.identity, generation(), command)
            return HttpResponse(status=HTTPStatus.ACCEPTED)
        case GiveFeedback() | Notify():
            await take_note(caller.identity, generation(), command)
            return HttpResponse(wire_format.done(command.id), content_type=JSON)
    raise CommandError("unknown_type")


@for_programs("GET")
async def turn_events(request: ASGIRequest, handshake: Handshake, turn: UUID) -> Answer:
    """The turn's events after the cursor in `Last-Event-ID` or `?cursor=`, until it has ended.

    204 where nothing can follow, for that is what ends an EventSource.
    """
    cursor = cursor_of(request)
    caller = await caller_of(handshake)
    view = await in_database(conversations.turn_of, caller.identity, turn)
    refuse_unreached(cursor, view, generation().log)
    if cursor == view.last:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    refuse_without_room(caller)
    if cursor > START:
        RESUMES.inc()
    return streamed(caller, view, cursor)


def command_of(request: ASGIRequest) -> Command:
    """Raises CommandError."""
    body: bytes = request.read(MAX_FRAME_BYTES + 1)
    try:
        return parse_command(body.decode(), unnamed="send")
    except UnicodeDecodeError:
        raise CommandError("too_large" if len(body) > MAX_FRAME_BYTES else "bad_json") from None


def cursor_of(request: ASGIRequest) -> Cursor:
    """Raises CommandError."""
    named = request.headers.get("Last-Event-ID") or request.GET.get("cursor") or str(START)
    try:
        return Cursor.parse(named)
    except ValueError:
        raise CommandError("bad_cursor") from None


async def asked(request: ASGIRequest, caller: Caller, command: Send | Regenerate) -> Answer:
    """`accepted`, alone or as the first event of the turn's stream."""
    streams = request.get_preferred_type([JSON, EVENTS]) == EVENTS
    if streams:
        refuse_without_room(caller)
    refuse_too_fast(caller)
    accepted = await start_turn(caller.identity, generation(), command)
    await keep(request, caller)
    frame = wire_format.accepted(accepted)
    if not streams:
        return HttpResponse(frame, content_type=JSON)
    view = await in_database(conversations.turn_of, caller.identity, accepted.turn)
    return streamed(caller, view, START, first=event("accepted", frame))


def refuse_without_room(caller: Caller) -> None:
    """Raises RefusedError."""
    if code := refusal_of_stream(caller.session, caller.household):
        raise RefusedError(NO_ROOM[code], retry_seconds=ROOM_RETRY_SECONDS)


def streamed(caller: Caller, turn: TurnView, cursor: Cursor, *, first: bytes = b"") -> Answer:
    pieces = pieces_of(caller.identity, generation().log, turn, cursor)
    stream = EventStream(caller.session, caller.household, pieces)
    return StreamingHttpResponse(
        stream.events(first),
        content_type=f"{EVENTS}; charset=utf-8",
        headers={"X-Accel-Buffering": "no"},
    )


def pieces_of(
    identity: Identity, log: DeltaLog, turn: TurnView, cursor: Cursor
) -> AsyncGenerator[Piece, None]:
    """From the log, or from Postgres where the log has nothing."""
    retell = partial(retold_after_loss, identity)
    if in_log(turn, log):
        return turn_pieces(log, turn.id, cursor, retell)
    return retold_pieces(turn.id, cursor, retell)
