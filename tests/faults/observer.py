"""The standing assertions: what must hold whatever has failed, once the faults are over.

A1 every accepted message is stored once. A2 what clients show is what is stored, and both are the
words of exactly one call of the provider. A3 each event came once and in order. A4 every turn ends.
A5 all tabs show the same.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from tests.chat_client import ChatClient
from tests.chat_reply import Frame
from tests.faults.cluster import LEASE_SECONDS, Cluster
from tests.faults.tab import Tab
from tests.openai_replies import calls_stamped_in

SETTLE_SECONDS = 2 * LEASE_SECONDS + 10
"""A turn ends two leases after the last fault; the rest is for a busy machine."""

STORED = """
SELECT t.id, t.key, t.status, t.attempt, t.last_event, r.text, r.status
FROM chat_turn t JOIN chat_message r ON r.id = t.reply_id WHERE t.conversation_id = ANY(%s)
"""
ASKED = "SELECT id, text FROM chat_message WHERE role = 'user' AND conversation_id = ANY(%s)"


class StandingError(AssertionError):
    """Something that must always hold did not; what follows says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTurn:
    id: str
    key: str
    status: str
    attempt: int
    last_event: int
    text: str
    reply_status: str


async def assert_standing(
    cluster: Cluster, *clients: ChatClient, seconds: float = SETTLE_SECONDS
) -> None:
    """Waits until all is settled. Raises StandingError."""
    await settled(cluster, clients, seconds)
    wrongs = list(violations(cluster, clients))
    if wrongs:
        raise StandingError("\n".join(wrongs))


async def settled(cluster: Cluster, clients: Sequence[ChatClient], seconds: float) -> None:
    """Returns when no turn runs and every client has heard of each turn's end, or time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        running = [turn for turn in stored_turns(cluster, clients) if turn.status == "running"]
        if not running and not any(unfinished(client) for client in clients):
            return
        await asyncio.sleep(0.05)


def unfinished(client: ChatClient) -> bool:
    """Whether something was neither accepted nor refused, or has not ended here."""
    return bool(client.unaccepted) or not all(map(client.finished, client.replies))


def violations(cluster: Cluster, clients: Sequence[ChatClient]) -> Iterator[str]:
    turns = {turn.id: turn for turn in stored_turns(cluster, clients)}
    yield from lost_messages(cluster, clients, turns)
    for turn in turns.values():
        yield from wrong_ends(cluster, turn)
    for number, client in enumerate(clients):
        for wrong in wrong_views(client, turns):
            yield f"client {number}: {wrong}"


def stored_turns(cluster: Cluster, clients: Sequence[ChatClient]) -> list[StoredTurn]:
    rows = cluster.rows(STORED, conversations_of(clients))
    return [
        StoredTurn(
            id=str(row[0]),
            key=str(row[1]),
            status=row[2],
            attempt=row[3],
            last_event=row[4],
            text=row[5],
            reply_status=row[6],
        )
        for row in rows
    ]


def conversations_of(clients: Sequence[ChatClient]) -> list[UUID]:
    return list({UUID(each) for client in clients for each in client.conversations})


def accepted_by(clients: Sequence[ChatClient]) -> list[Frame]:
    return [frame for client in clients for frame in client.all_of("accepted")]


def lost_messages(
    cluster: Cluster, clients: Sequence[ChatClient], turns: dict[str, StoredTurn]
) -> Iterator[str]:
    """A1."""
    stored = {str(id_): text for id_, text in cluster.rows(ASKED, conversations_of(clients))}
    keys = Counter(turn.key for turn in turns.values())
    accepted = {frame["id"]: frame["turn"] for frame in accepted_by(clients)}
    for client in clients:
        for id_, text in client.sent.items():
            if id_ in accepted and stored.get(id_) != text:
                yield f"A1: message {id_} was accepted and is not stored as it was sent"
            if id_ in client.unaccepted:
                yield f"A1: message {id_} was never accepted"
    for id_, turn in accepted.items():
        if keys[id_] != 1 or turn not in turns:
            yield f"A1: message {id_} has {keys[id_]} turns"


def wrong_ends(cluster: Cluster, turn: StoredTurn) -> Iterator[str]:
    """A4, and of A2 what concerns the stored text."""
    if turn.status == "running" or turn.status != turn.reply_status:
        yield f"A4: turn {turn.id} is {turn.status}, its reply {turn.reply_status}"
        return
    calls = calls_stamped_in(turn.text)
    if not calls and turn.status != "done":
        return
    if len(calls) != 1:
        yield f"A2: turn {turn.id} has the words of the calls {sorted(calls)}"
        return
    said = cluster.provider.requests[min(calls) - 1].text
    whole = turn.text == said if turn.status == "done" else said.startswith(turn.text)
    if not whole:
        yield f"A2: turn {turn.id} ({turn.status}) is not call {calls}: {brief(turn.text)}"


def wrong_views(client: ChatClient, turns: dict[str, StoredTurn]) -> Iterator[str]:
    """A2, A3 and A5: all clients are compared with the same rows."""
    if client.gaps:
        yield f"A3: {client.gaps} frames did not continue what came before"
    if isinstance(client, Tab):
        yield from (f"unexpected: {wrong}" for wrong in client.wrongs)
    for id_, reply in client.replies.items():
        turn = turns.get(id_)
        if turn is None:
            yield f"A1: turn {id_} was told of and is not stored"
        elif (shown := client.finished(id_)) is None:
            yield f"A4: the end of turn {id_} ({turn.status}) was never told"
        elif shown != (turn.status, turn.text):
            yield (
                f"A2: turn {id_} shows {brief(shown[1])} ({shown[0]}), "
                f"and stored is {brief(turn.text)} ({turn.status})"
            )
        elif reply.end and reply.cursor != (turn.attempt, turn.last_event):
            yield f"A3: turn {id_} ended at {reply.cursor}"


def brief(text: str) -> str:
    """Its length, beginning and end."""
    return f"{len(text)} characters, {text[:40]!r} … {text[-40:]!r}"
