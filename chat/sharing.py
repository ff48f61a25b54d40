"""Read-only copies of conversations, for whoever has their link.

A copy ends with what had been said when it was shared. It is opt-in, and gone when the visitor
takes it back or deletes the conversation.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.db.models.functions import Now

from chat.branches import branch_of, end_of
from chat.conversation_list import entry_of
from chat.conversations import TITLE_CHARACTERS, NotFoundError, changed, locked
from chat.database import brief_transaction
from chat.models import SharedCopy
from chat.transcripts import Said, Transcript, said
from chat.visitors import Identity
from chat.wire_format import ConversationEntry

TOKEN_BYTES = 24
KEPT_COPIES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    transcript: Transcript
    shared_at: datetime


@brief_transaction()
def share(identity: Identity, conversation: UUID, *, last: UUID | None = None) -> ConversationEntry:
    """Make the copy, or bring it up to now under the link it has. Raises NotFoundError.

    `last` names the message that it ends with, on whichever branch.
    """
    row = locked(identity, conversation)
    end = end_of(row, last)
    if end is None:
        raise NotFoundError
    copy, _ = SharedCopy.objects.update_or_create(
        conversation=row,
        defaults={"last": end, "shared_at": Now()},
        create_defaults={
            "last": end,
            "shared_at": Now(),
            "token": secrets.token_urlsafe(TOKEN_BYTES),
        },
    )
    row.shared_copy = copy
    return entry_of(changed(row))


@brief_transaction()
def revoke(identity: Identity, conversation: UUID) -> int:
    """Nobody can read the copy any more; the conversation's revision. Raises NotFoundError."""
    row = locked(identity, conversation)
    removed, _ = SharedCopy.objects.filter(conversation=row).delete()
    return changed(row).rev if removed else row.rev


def shared_under(token: str) -> Shared:
    """Raises NotFoundError, whether it was revoked, or deleted, or never was."""
    copy = SharedCopy.objects.filter(token=token, conversation__deleted_at=None).first()
    if copy is None:
        raise NotFoundError
    copied = said_until(copy.last_id)
    # The conversation's own title may tell of another branch, or have been given later.
    title = copied[0].text[:TITLE_CHARACTERS]
    return Shared(transcript=Transcript(title=title, said=copied), shared_at=copy.shared_at)


@lru_cache(maxsize=KEPT_COPIES)
def said_until(last: UUID) -> tuple[Said, ...]:
    """Kept, because anybody may ask for it, rendering takes its time, and nothing in it changes."""
    return tuple(map(said, branch_of(last)))
