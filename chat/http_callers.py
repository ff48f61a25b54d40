"""Who calls over HTTP: known by the page's session cookie, as the visitor of a socket is."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from chat.database import in_database
from chat.handshake import Handshake
from chat.http_refusals import RefusedError
from chat.send_limits import send_limits
from chat.sessions import Session, SessionEndedError, open_session
from chat.visitors import SESSION_KEY, Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    session: Session
    household: str

    @property
    def identity(self) -> Identity:
        return self.session.identity


def from_elsewhere(request: HttpRequest) -> bool:
    """Whether a page sent it that is not one of ours. Programs name no origin."""
    origin = request.headers.get("Origin")
    return origin is not None and origin not in settings.ALLOWED_ORIGINS


def site_of(request: HttpRequest) -> str:
    """Where links to this server begin, for whoever asks."""
    return f"{request.scheme}://{request.get_host()}"


async def caller_of(handshake: Handshake) -> Caller:
    """Without a cookie, a new anonymous visitor.

    Raises RefusedError where the cookie's session has ended, and DatabaseError.
    """
    session = await in_database(standing_session, handshake.cookie)
    return Caller(session=session, household=handshake.household)


def standing_session(cookie: str | None) -> Session:
    try:
        session = open_session(cookie)
    except SessionEndedError:
        raise RefusedError("session_ended") from None
    if cookie and session.key is None:
        raise RefusedError("session_ended")
    return session


def refuse_too_fast(caller: Caller) -> None:
    """Counts a question of the caller's. Raises RefusedError."""
    if wait := send_limits().take(caller.identity, caller.household):
        raise RefusedError("rate_limited", retry_seconds=wait)


async def keep(request: HttpRequest, caller: Caller) -> None:
    """Give a new visitor the session that it is known by the next time."""
    if caller.session.key is None:
        await in_database(note, request, caller.identity)


def note(request: HttpRequest, identity: Identity) -> None:
    request.session[SESSION_KEY] = str(identity.visitor)
