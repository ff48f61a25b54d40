"""Deliberate mistakes for a whole server, MUTATION=name: the suite must notice each of them."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from chat import turns
from chat.delta_log import stream_writer
from chat.delta_log.base import LoggedEvent
from chat.delta_log.encoding import encoded
from chat.delta_log.stream_writer import OwnedStream, StreamWriter
from chat.models import Message
from chat.running_turn import RunningTurn
from chat.turn.events import Outcome
from chat.turns import Claim


def no_fencing() -> None:
    """An owner that was replaced goes on, and stores its end over that of its successor."""
    fenced = turns.end

    @wraps(fenced)
    def end(claim: Claim, outcome: Outcome, text: str, *, last_event: int) -> int | None:
        rev = fenced(claim, outcome, text, last_event=last_event)
        if rev is None:
            Message.objects.filter(turn=claim.turn).update(text=text, status=outcome.status)
            rev = Message.objects.get(turn=claim.turn).rev
        return rev

    def lose(_turn: RunningTurn) -> None:
        return None

    turns.end = end
    RunningTurn.lose = lose  # type: ignore[method-assign, assignment]


def no_rebuild() -> None:
    """A log that was lost in Redis stays so."""

    async def repair(_writer: StreamWriter, _client: Redis, stream: OwnedStream) -> None:
        stream.unsure = False

    StreamWriter._repair = repair  # type: ignore[method-assign, assignment]


def star_ids() -> None:
    """Redis chooses the ids of entries, so that it refuses none that is sent twice."""

    def add_events(pipeline: Pipeline, stream: OwnedStream, events: Sequence[LoggedEvent]) -> None:
        for logged in events:
            pipeline.xadd(stream.key, encoded(logged.event), id="*")
        pipeline.xlen(stream.key)
        pipeline.expire(stream.key, stream_writer.EXPIRE_SECONDS)

    stream_writer.add_events = add_events


MUTATIONS: Mapping[str, Callable[[], None]] = {
    each.__name__: each for each in (no_fencing, no_rebuild, star_ids)
}
