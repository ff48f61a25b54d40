"""Conversations from before somebody signed in: taken into the account if its owner says so.

While somebody is signed in, the session still knows its anonymous visitor. Nothing of that visitor
moves by itself, because another person may have used the browser.
"""

from uuid import UUID

from django.contrib.auth import logout
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import QuerySet
from django.http import HttpRequest

from chat.database import brief_transaction
from chat.models import Consent, Conversation, Visitor
from chat.visitors import SESSION_KEY, Identity


def claimable(session: SessionBase) -> int:
    """How many conversations this browser has from before."""
    return left_here(session).filter(deleted_at=None).count()


def left_here(session: SessionBase) -> QuerySet[Conversation]:
    """Of the session's own anonymous visitor only, and never those of an account."""
    noted = anonymous_visitor(session)
    return Conversation.objects.filter(visitor=noted, visitor__user=None)


def anonymous_visitor(session: SessionBase) -> UUID | None:
    try:
        return UUID(str(session.get(SESSION_KEY)))
    except ValueError:
        return None


@brief_transaction()
def claim(session: SessionBase, identity: Identity) -> int:
    """Move the anonymous visitor's conversations to the signed-in one; how many there were.

    Turns go on: they know their conversation and not whose it is. The visitor's sockets were closed
    when the session got its new key.
    """
    noted = anonymous_visitor(session)
    session.pop(SESSION_KEY, None)
    anonymous = unclaimed(noted) if noted else None
    if anonymous is None:
        return 0
    count = anonymous.conversations.filter(deleted_at=None).count()
    anonymous.conversations.update(visitor=identity.visitor)
    agreed = Consent.objects.filter(visitor=identity.visitor, withdrawn_at=None)
    anonymous.consents.exclude(version__in=agreed.values("version")).update(
        visitor=identity.visitor
    )
    anonymous.delete()
    return count


def unclaimed(visitor: UUID) -> Visitor | None:
    """Its row, locked until the transaction ends."""
    return Visitor.objects.select_for_update().filter(pk=visitor, user=None).first()


def sign_out(request: HttpRequest) -> None:
    """What was not taken stays with the browser, as it was told; all else is new."""
    forget_who_left_nothing(request.session)
    logout(request)


def forget_who_left_nothing(session: SessionBase) -> None:
    """The browser's anonymous visitor, if nothing can be claimed from it."""
    if not left_here(session).exists():
        session.pop(SESSION_KEY, None)
