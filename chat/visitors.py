"""Who is chatting: a signed-in person, or whoever holds an anonymous session."""

import re
import uuid
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY as USER_KEY
from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from chat.models import Visitor

SESSION_KEY = "visitor"
SESSION_KEY_FORM = re.compile(r"[a-z0-9]{8,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A visitor; its row is made with the first message."""

    visitor: UUID
    user: int | None = None
    name: str | None = None

    @property
    def signed_in(self) -> bool:
        return self.user is not None


def plausible_key(cookie: str | None) -> str | None:
    """The cookie's value, if it can be the key of a session at all."""
    return cookie if cookie and SESSION_KEY_FORM.fullmatch(cookie) else None


def identity_of_session(session: SessionBase) -> Identity:
    request = HttpRequest()
    request.session = session
    user = get_user(request)
    if user.is_authenticated:
        return account_of(user)
    return Identity(visitor=anonymous_id(session.get(SESSION_KEY)))


def account_of(user: User) -> Identity:
    visitor, _ = Visitor.objects.get_or_create(user=user)
    return Identity(visitor=visitor.pk, user=user.pk, name=user.get_username())


def remember(session: SessionBase) -> Identity:
    """The session's visitor, noted in the session so that the next request finds it again."""
    identity = identity_of_session(session)
    if not identity.signed_in and USER_KEY in session:  # of an account that is gone or shut
        session.flush()
        identity = identity_of_session(session)
    if not identity.signed_in and session.get(SESSION_KEY) != str(identity.visitor):
        session[SESSION_KEY] = str(identity.visitor)
    return identity


def stored(identity: Identity) -> Visitor:
    """The visitor's row. A signed-in person's stands already.

    Raises Visitor.DoesNotExist where it stood: the account has just been deleted.
    """
    if identity.signed_in:
        return Visitor.objects.get(pk=identity.visitor)
    visitor, _ = Visitor.objects.get_or_create(pk=identity.visitor)
    return visitor


def hashed(visitor: UUID) -> str:
    """A visitor's name for providers, who cannot find out from it who that is."""
    return salted_hmac("chat.visitor", str(visitor), algorithm="sha256").hexdigest()[:32]


def anonymous_id(noted: object) -> UUID:
    try:
        return UUID(str(noted))
    except ValueError:
        return uuid.uuid4()


COOKIE = settings.SESSION_COOKIE_NAME
WIDGET_COOKIE = "widget"
"""Holds the session of the chat on other sites, which is never that of a signed-in person."""
