"""What visitors do to a whole conversation: rename, delete, take that back.

It keeps its place in the list, for nothing was said. A deleted conversation is hidden at once and
removed later. All times are the database's.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from chat.commands import CommandError, plain_text
from chat.conversation_list import entry_of
from chat.conversations import NotFoundError, changed, locked
from chat.database import brief_transaction
from chat.models import Conversation, Turn
from chat.turn.events import JsonValue
from chat.visitors import Identity
from chat.wire_format import ConversationEntry
from knowledge.plain_text import visible

MAX_TITLE = 120
RESTORABLE = timedelta(minutes=10)
REMOVED_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """`running` is the turn that ran, and shall stop."""

    rev: int
    running: UUID | None


def title_of(value: JsonValue) -> str:
    """One line that says something. Raises CommandError."""
    title = " ".join(plain_text(value if value is not None else "").split())
    if not visible(title):
        raise CommandError("empty")
    if len(title) > MAX_TITLE:
        raise CommandError("too_long")
    return title


@brief_transaction()
def rename(identity: Identity, conversation: UUID, title: str) -> ConversationEntry:
    """Raises NotFoundError."""
    row = locked(identity, conversation)
    row.title = title
    return entry_of(changed(row, "title"))


@brief_transaction()
def delete(identity: Identity, conversation: UUID) -> Deletion:
    """Hide it from everybody. Raises NotFoundError."""
    row = locked(identity, conversation)
    row.deleted_at = Now()
    rev = changed(row, "deleted_at").rev
    running = row.turns.filter(status=Turn.Status.RUNNING)
    stopped = running.values_list("pk", flat=True).first()
    running.update(stop_requested=True)
    return Deletion(rev=rev, running=stopped)


@brief_transaction()
def restore(identity: Identity, conversation: UUID) -> ConversationEntry:
    """Take a deletion back; one that stands is left as it is. Raises NotFoundError."""
    rows = Conversation.objects.select_for_update()
    row = rows.filter(pk=conversation, visitor=identity.visitor).first()
    if row is None:
        raise NotFoundError
    if row.deleted_at:
        row.deleted_at = None
        changed(row, "deleted_at")
    return entry_of(row)


def remove_deleted() -> int:
    """Remove those that cannot be restored any more; how many. A few at a time, so that no
    transaction is long."""
    removed = [remove_some()]
    while removed[-1] == REMOVED_AT_ONCE:
        removed.append(remove_some())
    return sum(removed)


@brief_transaction()
def remove_some() -> int:
    """Rows that another process is at are left to it. A turn that still runs, because nobody could
    tell it to stop, is waited for.
    """
    turns = Turn.objects.filter(conversation=OuterRef("pk"), status=Turn.Status.RUNNING)
    over = Conversation.objects.filter(~Exists(turns), deleted_at__lt=Now() - RESTORABLE)
    held = over.select_for_update(skip_locked=True).values_list("pk", flat=True)
    removed = list(held[:REMOVED_AT_ONCE])
    Conversation.objects.filter(pk__in=removed).delete()
    return len(removed)
