"""Doing what a visitor's command says, whether it came by a socket or over HTTP."""

from collections.abc import Callable, Mapping

from django.db import DatabaseError

from chat import conversations
from chat.commands import GiveFeedback, Notify, Regenerate, Send, Stop
from chat.consents import ConsentRequiredError
from chat.conversations import BusyError, IdConflictError, NotFoundError
from chat.database import in_database
from chat.delta_log.bells import Changed
from chat.generation import Generation
from chat.retelling import BadCursorError
from chat.visitors import Identity
from chat.wire_format import Accepted


class DrainingError(Exception):
    """The server takes up nothing new."""


REFUSALS: Mapping[type[Exception], str] = {
    NotFoundError: "not_found",
    IdConflictError: "id_conflict",
    BusyError: "busy",
    ConsentRequiredError: "consent_required",
    BadCursorError: "bad_cursor",
    DrainingError: "draining",
    DatabaseError: "unavailable",
}
"""What can keep a command from being done, and the code that tells of it."""


def code_of(error: Exception) -> str:
    """Of one of REFUSALS."""
    return next(code for kind, code in REFUSALS.items() if isinstance(error, kind))


Told = Callable[[Accepted], None]


def nobody(_accepted: Accepted) -> None:
    """Follows no conversation."""


async def start_turn(
    identity: Identity, generation: Generation, command: Send | Regenerate, told: Told = nobody
) -> Accepted:
    """Store the message and begin its turn: whoever is told of it cannot lose it any more.

    `told` is called before others hear of the change: whoever asked is not told of it besides.

    Raises DrainingError, NotFoundError, IdConflictError, BusyError, ConsentRequiredError,
    DatabaseError.
    """
    if generation.draining:
        raise DrainingError
    return await generation.undisturbed(begun(identity, generation, command, told))


async def begun(
    identity: Identity, generation: Generation, command: Send | Regenerate, told: Told
) -> Accepted:
    """Goes on when its socket is lost: what is stored is answered, and other tabs hear of it."""
    match command:
        case Send():
            accept = in_database(conversations.accept_send, identity, command)
        case Regenerate():
            accept = in_database(conversations.accept_regenerate, identity, command)
    accepted = await accept
    generation.start(accepted.turn)  # of a duplicate too: it may have been stored and not begun
    told(accepted)
    if not accepted.duplicate:
        generation.log.ring(Changed(conversation=accepted.conversation, rev=accepted.rev))
    return accepted


async def take_note(
    identity: Identity, generation: Generation, command: GiveFeedback | Notify
) -> None:
    """Raises NotFoundError, DatabaseError."""
    row = await in_database(conversations.take_note, identity, command)
    generation.log.ring(Changed(conversation=row.pk, rev=row.rev))


async def stop_turn(identity: Identity, generation: Generation, command: Stop) -> None:
    """Raises NotFoundError, DatabaseError."""
    stopped = await in_database(conversations.request_stop, identity, command)
    if stopped:
        generation.stop(stopped)
