"""The turn: a question in, events out. Pure but for the seams it is given."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from chat.turn.events import Notice, Outcome, TextDelta, TurnEvent
from chat.turn.expert_search import ExpertSearch
from chat.turn.language_model import LanguageModel, UpstreamError
from chat.turn.model_turn import ModelTurn
from chat.turn.quoting import quote_experts
from chat.turn.record import TurnRecord
from chat.turn.request import TurnRequest
from chat.turn.shown_text import ShownText
from chat.turn.speculation import SpeculativeSearch


async def run_turn(
    request: TurnRequest,
    search: ExpertSearch,
    model: LanguageModel | None,
    record: TurnRecord | None = None,
) -> AsyncGenerator[TurnEvent, None]:
    """Answer one message; the last event is always an Outcome.

    Without a model the experts are quoted. So they are when the provider fails before the first
    word; when it fails later, the text so far stands and the turn has failed. `record` is for
    whoever may end the turn early.
    """
    record = record or TurnRecord()
    record.prompt_version = request.texts.version
    events = (
        answer_with_model(request, search, model, record)
        if model
        else quote_experts(request, search, record)
    )
    async with aclosing(events):
        async for event in events:
            yield record.noted_in(event) if isinstance(event, Outcome) else event


async def answer_with_model(
    request: TurnRequest, search: ExpertSearch, model: LanguageModel, record: TurnRecord
) -> AsyncGenerator[TurnEvent, None]:
    record.model = model.name
    async with SpeculativeSearch(search, request) as speculative:
        turn = ModelTurn(request, speculative, model, record)
        try:
            async with aclosing(turn.events()) as events:
                async for event in events:
                    yield event
        except UpstreamError as error:
            if turn.shown.length and not turn.shown.overruled:
                failed = Outcome(status="failed", error=error.code)
                yield record.broken_off(failed, turn.shown.text)
                return
            yield Notice(code=error.code)
            async with aclosing(quote_experts(request, speculative, record)) as quoted:
                async for event in quoted:
                    for told in in_place(event, turn.shown):
                        yield told


def in_place(event: TurnEvent, shown: ShownText) -> Iterator[TurnEvent]:
    """`event`, its text in the place of what must not stand."""
    if isinstance(event, TextDelta):
        yield from shown.add(event.text, begins=False)
    else:
        yield event
