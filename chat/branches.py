"""Which of a conversation's messages belong together: edits and other replies make it a tree."""

from uuid import UUID

from chat.conversations import last_said
from chat.models import Conversation, Message

BRANCH = """
WITH RECURSIVE branch AS (
    SELECT id, parent_id, 1 AS distance FROM chat_message WHERE id = %(last)s
    UNION ALL
    SELECT m.id, m.parent_id, b.distance + 1
    FROM chat_message m JOIN branch b ON m.id = b.parent_id
)
SELECT m.* FROM branch JOIN chat_message m USING (id) ORDER BY distance DESC
"""


def end_of(conversation: Conversation, last: UUID | None) -> Message | None:
    """Where a branch ends: at the message that was named, else where the conversation was left."""
    if last is None:
        return last_said(conversation)
    finished = conversation.messages.exclude(status=Message.Status.RUNNING)
    return finished.filter(pk=last).first()


def branch_of(last: UUID) -> list[Message]:
    """The message and all that it follows, the first one first, in one query."""
    return list(Message.objects.raw(BRANCH, {"last": last}))
