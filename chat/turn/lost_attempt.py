"""What an attempt at a turn had come to when it was lost, as far as that was noted."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from chat.turn.durable_rounds import DurableRound, DurableRounds
from chat.turn.events import Notice
from chat.turn.expert_search import ExpertSearch
from chat.turn.language_model import ModelEvent, ModelRequest, UpstreamError
from chat.turn.loop import run_turn
from chat.turn.model_turn import model_request
from chat.turn.record import TurnRecord
from chat.turn.request import TurnRequest


class AbsentLanguageModel:
    """Stands in for a provider that is not to be asked any more."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        said: tuple[ModelEvent, ...] = ()
        for event in said:
            yield event
        raise UpstreamError("interrupted", retryable=False)


def count_lost(record: TurnRecord, request: TurnRequest, *, model: str, text: str) -> None:
    """Count the round that was cut off by what is left of it. That is an estimate, and a low one:
    of several lost attempts the last one's text is left, and no background of its search."""
    record.model = model
    record.prompt_version = request.texts.version
    record.usage.begin(model_request(request))
    record.usage.wrote(text)


async def recall(
    record: TurnRecord,
    request: TurnRequest,
    rounds: Sequence[DurableRound],
    search: ExpertSearch,
    *,
    model: str,
) -> None:
    """Go through the rounds that were noted once more, up to the one that was cut off: what they
    took, and, as their searches are made again, what the text rests on."""
    noted = DurableRounds(AbsentLanguageModel(model), rounds, note=lambda _: None)
    async with aclosing(run_turn(request, search, noted, record)) as events:
        async for event in events:
            if isinstance(event, Notice):  # else the experts would be quoted
                break
