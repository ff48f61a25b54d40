"""The visitor's list of conversations, and the search in it."""

from uuid import UUID

from django.db.models import Q, QuerySet

from chat.commands import CommandError
from chat.conversations import NotFoundError, conversations_of, of
from chat.models import Conversation, Message
from chat.visitors import Identity
from chat.wire_format import ConversationEntry

LISTED_CONVERSATIONS = 50
MAX_SEARCH = 200
MOST_WORDS = 8


def listed(
    identity: Identity, *, search: str = "", before: UUID | None = None
) -> list[ConversationEntry]:
    """The visitor's conversations, the latest first, or those after `before` in that order.

    `search` keeps those that hold all its words, in their titles or messages. Raises CommandError,
    and NotFoundError for a `before` that is none of them.
    """
    rows = conversations_of(identity).select_related("shared_copy")
    rows = rows.filter(*(holding(identity, word) for word in words_of(search)))
    if before:
        rows = rows.filter(after(identity, before))
    return [entry_of(row) for row in rows.order_by("-updated_at", "-pk")[:LISTED_CONVERSATIONS]]


def entry_of(conversation: Conversation) -> ConversationEntry:
    copy = getattr(conversation, "shared_copy", None)
    return ConversationEntry(
        id=conversation.pk,
        title=conversation.title,
        rev=conversation.rev,
        at=conversation.updated_at,
        token=copy.token if copy else None,
    )


def after(identity: Identity, before: UUID) -> Q:
    """One that was deleted meanwhile still says where to go on."""
    rows: QuerySet[Conversation] = Conversation.objects.filter(visitor=identity.visitor)
    last = rows.filter(pk=before).first()
    if last is None:
        raise NotFoundError
    return Q(updated_at__lt=last.updated_at) | Q(updated_at=last.updated_at, pk__lt=last.pk)


def words_of(search: str) -> list[str]:
    if len(search) > MAX_SEARCH:
        raise CommandError("too_long")
    return search.split()[:MOST_WORDS]


def holding(identity: Identity, word: str) -> Q:
    """Conversations with the word in them. The messages are named as the visitor's, or Postgres
    might read everybody's."""
    holds = "contains" if word.lower() == word.upper() else "icontains"  # folding takes time
    said = Message.objects.filter(of(identity), **{f"text__{holds}": word})
    return Q(**{f"title__{holds}": word}) | Q(pk__in=said.values("conversation"))
