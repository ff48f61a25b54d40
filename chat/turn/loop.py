"""The turn: a question in, events out. Pure but for the seams it is given."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from chat.turn.events import Notice, Outcome, TurnEvent
from chat.turn.expert_search import ExpertSearch
from chat.turn.language_model import LanguageModel, UpstreamError
from chat.turn.model_turn import ModelTurn
from chat.turn.quoting import quote_experts
from chat.turn.request import TurnRequest


async def run_turn(
    request: TurnRequest, search: ExpertSearch, model: LanguageModel | None
) -> AsyncGenerator[TurnEvent, None]:
    """Answer one message; the last event is always an Outcome.

    Without a model the experts are quoted. So they are when the provider fails before the first
    word; when it fails later, the text so far stands and the turn has failed.
    """
    events = answer_with_model(request, search, model) if model else quote_experts(request, search)
    async with aclosing(events):
        async for event in events:
            yield event


async def answer_with_model(
    request: TurnRequest, search: ExpertSearch, model: LanguageModel
) -> AsyncGenerator[TurnEvent, None]:
    turn = ModelTurn(request, search, model)
    try:
        async with aclosing(turn.events()) as events:
            async for event in events:
                yield event
    except UpstreamError as error:
        if turn.has_text:
            yield turn.outcome(Outcome(status="failed", error=error.code))
            return
        yield Notice(code=error.code)
        async with aclosing(quote_experts(request, search)) as quoted:
            async for event in quoted:
                yield event
