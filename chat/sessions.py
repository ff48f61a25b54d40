"""The session that a socket was let in by, and whether it still stands.

A socket lives longer than a request, so that a logout, a new password or a deactivation would
reach it only by a look at the tables.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, get_user_model
from django.contrib.auth import SESSION_KEY as USER_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as StoredSession
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from chat.browser_sessions import SessionStore
from chat.visitors import SESSION_KEY as VISITOR_KEY
from chat.visitors import Identity, account_of, anonymous_id, plausible_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Whom a socket belongs to, and the key of the session that says so; None if none does."""

    identity: Identity
    key: str | None


Data = Mapping[str, Any]  # what Django keeps in a session
Users = Mapping[str, User]


class SessionEndedError(Exception):
    """Whoever was signed in there is so no more."""


def open_session(cookie: str | None) -> Session:
    """Whoever the cookie belongs to; without a good one, a new anonymous visitor.

    Nothing is written: a socket cannot give a browser the key of another session. Raises
    SessionEndedError.
    """
    store = SessionStore(plausible_key(cookie))
    data = store.load()
    user = user_of(data, users_of([data]))
    if user:
        return Session(identity=account_of(user), key=store.session_key)
    if USER_KEY in data:
        raise SessionEndedError
    noted = data.get(VISITOR_KEY)
    identity = Identity(visitor=anonymous_id(noted))
    return Session(
        identity=identity, key=store.session_key if noted == str(identity.visitor) else None
    )


def ended(sessions: Collection[Session]) -> set[Session]:
    """Those that do not stand any more, in two statements however many they are.

    Gone, run out, or no longer of the same visitor: logged out, deactivated, another password.
    """
    held = {session for session in sessions if session.key}
    if not held:
        return set()
    data = stored_data(held)
    users = users_of(data.values())
    return {each for each in held if not stands(each.identity, data.get(str(each.key)), users)}


def stored_data(sessions: Collection[Session]) -> dict[str, Data]:
    rows = StoredSession.objects.filter(
        session_key__in={session.key for session in sessions}, expire_date__gt=timezone.now()
    )
    return {key: decoded(data) for key, data in rows.values_list("session_key", "session_data")}


@lru_cache(maxsize=4096)
def decoded(data: str) -> Data:
    """Kept, because most sessions are as they were a second ago."""
    return SessionStore().decode(data)


def users_of(sessions: Collection[Data]) -> dict[str, User]:
    ids = {data[USER_KEY] for data in sessions if USER_KEY in data}
    found = get_user_model().objects.filter(pk__in=ids, is_active=True) if ids else ()
    return {str(user.pk): user for user in found}


def stands(identity: Identity, data: Data | None, users: Users) -> bool:
    if data is None:
        return False
    if identity.signed_in or USER_KEY in data:
        user = user_of(data, users)
        return user is not None and identity.user == user.pk
    return bool(data.get(VISITOR_KEY) == str(identity.visitor))


def user_of(data: Data, users: Users) -> User | None:
    """Who is signed in there: an active user whose password is that of the login."""
    user = users.get(str(data.get(USER_KEY)))
    if user is None:
        return None
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    told = data.get(HASH_SESSION_KEY, "")
    return user if any(constant_time_compare(told, each) for each in hashes) else None
