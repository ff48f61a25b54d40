"""Answering a completion request: the turn, told in a stream or as a whole."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from django.conf import settings

from chat.direct_turns import direct_turn
from chat.models import ApiKey
from chat.openai_api.access import visitor_hash
from chat.openai_api.completion import DONE, WAITING, Completion, JsonObject, event
from chat.openai_api.completion_request import CompletionRequest
from chat.openai_api.footer import footer, offered_questions
from chat.openai_api.pacing import Mark, paced
from chat.openai_api.recent_history import recent
from chat.openai_api.refusals import error_object, failed_turn
from chat.openai_api.slots import Slot
from chat.openai_api.use import use_counter
from chat.turn.events import Outcome, Restarted, TextDelta, TurnEvent
from chat.turn.record import TurnRecord
from chat.turn.utf16 import utf16_cut
from knowledge.plain_text import language_of

SILENCE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that will be answered, with the key that pays and the room that it has."""

    key: ApiKey
    request: CompletionRequest
    completion: Completion
    slot: Slot


async def stream(exchange: Exchange) -> AsyncGenerator[bytes, None]:
    """Server-sent events. A reply that breaks off ends in an error, without [DONE]."""
    completion = exchange.completion
    yield event(completion.opening())
    async with aclosing(paced(turn(exchange), SILENCE_SECONDS)) as events:
        async for each in events:
            match each:
                case Mark.SILENCE:
                    yield WAITING
                case TextDelta():
                    yield event(completion.delta(each.text))
                case Outcome(status="failed"):
                    yield event(error_object(failed_turn(each.error)))
                case Outcome():
                    yield ending(exchange, each)


def ending(exchange: Exchange, outcome: Outcome) -> bytes:
    """What follows the turn's text; in one piece, because it is known at once."""
    completion = exchange.completion
    more = addition(exchange, outcome)
    events = [
        *([event(completion.delta(more))] if more else []),
        event(completion.closing(outcome)),
        *([event(completion.usage(outcome))] if completion.include_usage else []),
        DONE,
    ]
    return b"".join(events)


async def whole(exchange: Exchange) -> JsonObject:
    """Raises RefusalError where the reply broke off."""
    text, outcome = "", Outcome(status="failed", error="internal")
    async with aclosing(turn(exchange)) as events:
        async for each in events:
            match each:
                case TextDelta():
                    text += each.text
                case Restarted():
                    text = utf16_cut(text, each.keep)
                case Outcome():
                    outcome = each
    if outcome.status == "failed":
        raise failed_turn(outcome.error)
    return exchange.completion.whole(text + addition(exchange, outcome), outcome)


async def turn(exchange: Exchange) -> AsyncGenerator[TurnEvent, None]:
    """The turn's events. However it ends, its room is free then, and its use is counted."""
    request, key, record = exchange.request, exchange.key, TurnRecord()
    events = direct_turn(
        request.question,
        revisable=not request.stream,
        history=recent(request.history, settings.HISTORY_TOKENS),
        visitor=visitor_hash(key, request.user),
        record=record,
    )
    try:
        async with aclosing(events):
            async for each in events:
                yield each
    finally:
        exchange.slot.release()
        use_counter().count(key.pk, record.model, record.usage.total)


def addition(exchange: Exchange, outcome: Outcome) -> str:
    """What clients are told in the text that know nothing of our extension field."""
    wanted = exchange.request.footer
    choices = "" if wanted is False else offered_questions(outcome)
    if not (exchange.key.footer if wanted is None else wanted):
        return choices
    return choices + footer(outcome.sources, language_of(exchange.request.question))
