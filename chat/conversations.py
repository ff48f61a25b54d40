"""The only door to a visitor's rows. "Not yours" and "does not exist" are one error.

Every change raises the conversation's revision in its own transaction; what a function returns has
been committed.
"""

from contextlib import suppress
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from chat import wire_format
from chat.commands import GiveFeedback, Notify, Regenerate, Send, Stop, Subscribe
from chat.consents import refuse_without
from chat.database import brief_transaction
from chat.models import Conversation, Feedback, Message, Turn, Visitor
from chat.rendering import hosts_of, render, with_words
from chat.turn.cursor import Cursor
from chat.turn.events import JsonValue
from chat.visitors import Identity, stored
from chat.wire_format import (
    Accepted,
    ConversationView,
    MessageView,
    TurnView,
)

TITLE_CHARACTERS = 60
SYNC_MESSAGES = 200
SYNC_BYTES = 62 * 1024
"""What the messages of one sync are at most, in its frame: with all that stands around them it is
below outbox.MUCH_BYTES. The rest is had over HTTP."""


class NotFoundError(Exception):
    """No such row for this visitor."""


class IdConflictError(Exception):
    """The id was used before for something else."""


class BusyError(Exception):
    """A turn is running in the conversation already."""


def accept_send(identity: Identity, command: Send) -> Accepted:
    """Store the message and its turn. The same id again gives the same result and stores nothing.

    Raises NotFoundError, IdConflictError, BusyError, ConsentRequiredError.
    """
    try:
        return stored_once(identity, command)
    except IntegrityError:  # another socket sent the same at once, and was first: now it is there
        return stored_once(identity, command)


@brief_transaction()
def stored_once(identity: Identity, command: Send) -> Accepted:
    conversation = locked(identity, command.conversation, create=True)
    earlier = accepted_before(identity, command)
    if earlier:
        return earlier
    refuse_without(identity)
    question = add_question(conversation, command)
    return begin_turn(conversation, question, key=command.id)


def accepted_before(identity: Identity, command: Send) -> Accepted | None:
    turn = Turn.objects.filter(key=command.id).select_related("conversation", "question").first()
    if turn is None:
        if Message.objects.filter(pk=command.id).exists():
            raise IdConflictError
        return None
    same = (
        turn.conversation.visitor_id == identity.visitor
        and turn.conversation_id == command.conversation
        and turn.question_id == command.id
        and turn.question.text == command.text
    )
    if not same:
        raise IdConflictError
    return acceptance(turn, duplicate=True)


def locked(identity: Identity, conversation: UUID, *, create: bool = False) -> Conversation:
    """The visitor's conversation, its row locked until the transaction ends."""
    rows = Conversation.objects.select_for_update()
    row = rows.filter(pk=conversation).first()
    if row is None and create:
        with suppress(Visitor.DoesNotExist):  # an account that was deleted a moment ago
            row = Conversation.objects.create(pk=conversation, visitor=stored(identity))
    if row is None or row.visitor_id != identity.visitor or row.deleted_at:
        raise NotFoundError
    return row


def add_question(conversation: Conversation, command: Send) -> Message:
    refuse_if_busy(conversation)
    if not conversation.title:
        conversation.title = command.text[:TITLE_CHARACTERS]
    continued(conversation)
    return Message.objects.create(
        pk=command.id,
        conversation=conversation,
        parent=parent_of(conversation, command),
        role=Message.Role.USER,
        status=Message.Status.DONE,
        text=command.text,
        rev=conversation.rev,
    )


def parent_of(conversation: Conversation, command: Send) -> Message | None:
    if command.continues:
        return last_said(conversation)
    if command.parent is None:
        return None
    parent = conversation.messages.filter(pk=command.parent, role=Message.Role.ASSISTANT).first()
    if parent is None:
        raise NotFoundError
    return parent


def last_said(conversation: Conversation) -> Message | None:
    """Where the conversation was left, but for a reply that is still written.

    An answer that came late, which has the revision of the reply that it was waited with, is not
    where a conversation was left that has gone on from there.
    """
    said = conversation.messages.exclude(status=Message.Status.RUNNING)
    went_on = Exists(said.filter(parent=OuterRef("pk")))
    waited = said.filter(parent=OuterRef("parent"), rev=OuterRef("rev"), finish="no_answer")
    ends = said.exclude(went_on).exclude(Exists(waited.filter(went_on)))
    return ends.order_by("rev", "created_at").last()


def accept_regenerate(identity: Identity, command: Regenerate) -> Accepted:
    """A new reply beside an old one. The same key again stores nothing.

    Raises NotFoundError, IdConflictError, BusyError, ConsentRequiredError.
    """
    try:
        return regenerated_once(identity, command)
    except IntegrityError as error:  # the key began a turn elsewhere at the same moment
        raise IdConflictError from error


@brief_transaction()
def regenerated_once(identity: Identity, command: Regenerate) -> Accepted:
    reply = message_of(identity, command.message)
    if reply.role != Message.Role.ASSISTANT or reply.parent is None:
        raise NotFoundError
    conversation = locked(identity, reply.conversation_id)
    earlier = Turn.objects.filter(key=command.id).first()
    if earlier and earlier.question_id != reply.parent_id:
        raise IdConflictError
    if earlier:
        return acceptance(earlier, duplicate=True)
    refuse_without(identity)
    refuse_if_busy(conversation)
    continued(conversation)
    return begin_turn(conversation, reply.parent, key=command.id)


def refuse_if_busy(conversation: Conversation) -> None:
    if conversation.turns.filter(status=Turn.Status.RUNNING).exists():
        raise BusyError


def begin_turn(conversation: Conversation, question: Message, *, key: UUID) -> Accepted:
    reply = Message.objects.create(
        conversation=conversation,
        parent=question,
        role=Message.Role.ASSISTANT,
        status=Message.Status.RUNNING,
        rev=conversation.rev,
    )
    turn = Turn.objects.create(
        conversation=conversation,
        question=question,
        reply=reply,
        key=key,
        lease_until=Now(),
        accepted_rev=conversation.rev,
    )
    return acceptance(turn, duplicate=False)


def acceptance(turn: Turn, *, duplicate: bool) -> Accepted:
    return Accepted(
        id=turn.key,
        conversation=turn.conversation_id,
        rev=turn.accepted_rev,
        turn=turn.pk,
        message=turn.reply_id,
        duplicate=duplicate,
    )


def continued(conversation: Conversation) -> None:
    """Something is said: it comes first in the list."""
    conversation.updated_at = timezone.now()
    changed(conversation, "title", "updated_at")


def changed(conversation: Conversation, *fields: str) -> Conversation:
    """Store it under a new revision."""
    conversation.rev += 1
    conversation.save(update_fields=["rev", *fields])
    return conversation


def request_stop(identity: Identity, command: Stop) -> UUID | None:
    """Note that a turn shall stop; the running turn's id, or None when it has ended."""
    turns = Turn.objects.filter(of(identity))
    wanted = Q(pk=command.turn) if command.turn else Q(key=command.send)
    found = turns.filter(wanted).first()
    if found is None:
        raise NotFoundError
    running = Turn.objects.filter(pk=found.pk, status=Turn.Status.RUNNING)
    return found.pk if running.update(stop_requested=True) else None


@brief_transaction()
def take_note(identity: Identity, command: GiveFeedback | Notify) -> Conversation:
    """Store what the visitor thinks of a message, or whether it wants to hear of an answer."""
    message = message_of(identity, command.message)
    conversation = changed(locked(identity, message.conversation_id))
    rows = Message.objects.filter(pk=message.pk)
    rows.update(noted_rev=conversation.rev)
    match command:
        case Notify():
            rows.update(notice_wanted=command.wanted)
        case GiveFeedback(value="none"):
            Feedback.objects.filter(message=message).delete()
        case GiveFeedback():
            values = {"value": command.value, "reason": command.reason, "comment": command.comment}
            Feedback.objects.update_or_create(message=message, defaults=values)
    return conversation


def message_of(identity: Identity, message: UUID) -> Message:
    found = (
        Message.objects.filter(of(identity), pk=message)
        .select_related("parent", "feedback")
        .first()
    )
    if found is None:
        raise NotFoundError
    return found


def of(identity: Identity) -> Q:
    """Messages and turns of the visitor's conversations, but for the deleted ones."""
    return Q(conversation__visitor=identity.visitor, conversation__deleted_at=None)


def conversations_of(identity: Identity) -> QuerySet[Conversation]:
    return Conversation.objects.filter(visitor=identity.visitor, deleted_at=None)


def conversation_of(identity: Identity, conversation: UUID) -> Conversation:
    found = conversations_of(identity).filter(pk=conversation).first()
    if found is None:
        raise NotFoundError
    return found


def view(identity: Identity, command: Subscribe) -> ConversationView:
    """What the visitor's client lacks."""
    conversation = conversation_of(identity, command.conversation)
    since = command.rev if command.rev <= conversation.rev else 0
    messages = conversation.messages.all()
    lacking = messages.filter(Q(rev__gt=since) | Q(noted_rev__gt=since))
    told = newest(lacking)
    full = since == 0 or len(told) < lacking.count()  # nobody can ask for what lies in a hole
    turn = shown_turn(conversation, command.turn.id if command.turn else None)
    return ConversationView(
        conversation=conversation.pk,
        rev=conversation.rev,
        full=full,
        title=conversation.title,
        messages=newest(messages) if full and since else told,
        turn=turn_view(turn) if turn else None,
    )


def shown_turn(conversation: Conversation, named: UUID | None) -> Turn | None:
    """The running turn, else the one that the client named, which must be of this conversation."""
    turns: QuerySet[Turn] = conversation.turns.all()
    wanted = turns.filter(pk=named).first() if named else None
    if named and wanted is None:
        raise NotFoundError
    return turns.filter(status=Turn.Status.RUNNING).first() or wanted


def turn_view(turn: Turn) -> TurnView:
    ended = turn.status != Turn.Status.RUNNING
    return TurnView(
        id=turn.pk,
        message=turn.reply_id,
        status=turn.status,
        attempt=turn.attempt,
        last=Cursor(turn.attempt, turn.last_event) if ended else None,
    )


def turn_of(identity: Identity, turn: UUID) -> TurnView:
    found = Turn.objects.filter(of(identity), pk=turn).first()
    if found is None:
        raise NotFoundError
    return turn_view(found)


def reply_view(identity: Identity, message: UUID) -> MessageView:
    return message_view(message_of(identity, message))


def newest(messages: QuerySet[Message]) -> tuple[MessageView, ...]:
    """The last so many, oldest first; fewer where they are long, but one at least."""
    views: list[MessageView] = []
    room = SYNC_BYTES
    rows = messages.select_related("feedback").order_by("-created_at")
    for message in rows[:SYNC_MESSAGES]:
        view = message_view(message)
        room -= len(wire_format.encode(wire_format.message(view)).encode()) + 1  # and a comma
        if room < 0 and views:
            break
        views.append(view)
    return tuple(reversed(views))


def message_view(message: Message) -> MessageView:
    running = message.status == Message.Status.RUNNING
    return MessageView(
        id=message.pk,
        role=message.role,
        text="" if running else message.text,
        html=render(message.text, hosts_of(message.sources))
        if message.role == Message.Role.ASSISTANT and not running
        else None,
        parent=message.parent_id,
        status=message.status,
        finish=message.finish,
        grounding=message.grounding,
        sources=[with_words(source) for source in message.sources],
        suggestions=message.suggestions,
        usage=message.usage,
        error=message.error,
        at=message.created_at,
        rev=message.rev,
        feedback=feedback_of(message),
        notice_wanted=message.notice_wanted,
    )


def feedback_of(message: Message) -> JsonValue:
    """None where the visitor gave none."""
    try:
        given = message.feedback
    except Feedback.DoesNotExist:
        return None
    return {"value": given.value, "reason": given.reason, "comment": given.comment}


def whole(identity: Identity, conversation: UUID) -> ConversationView:
    """A conversation as a client that knows nothing of it would be told."""
    return view(identity, Subscribe(conversation=conversation, rev=0, turn=None))


def earlier_messages(
    identity: Identity, conversation: UUID, *, before: UUID
) -> tuple[MessageView, ...]:
    """The messages before one of them, oldest first, as many as a sync holds."""
    messages = conversation_of(identity, conversation).messages.all()
    end = messages.filter(pk=before).first()
    if end is None:
        raise NotFoundError
    return newest(messages.filter(created_at__lt=end.created_at))
