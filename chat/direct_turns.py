"""Turns of callers over HTTP. Nothing is stored, and a turn ends when its caller leaves."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.db import DatabaseError

from chat.database import in_database
from chat.prompts import current_texts
from chat.turn.events import Outcome, TurnEvent
from chat.turn.language_model import ChatMessage
from chat.turn.loop import run_turn
from chat.turn.prompt import Texts, texts_for
from chat.turn.record import TurnRecord
from chat.turn_requests import turn_request
from chat.wiring import expert_search, model_for_visitors
from knowledge.plain_text import language_of

logger = logging.getLogger(__name__)


async def direct_turn(
    question: str,
    *,
    revisable: bool,
    history: tuple[ChatMessage, ...] = (),
    visitor: str = "",
    record: TurnRecord | None = None,
) -> AsyncGenerator[TurnEvent, None]:
    """The turn's events; the last is an Outcome, even where an error of our own ends it."""
    try:
        texts = await texts_in(language_of(question))
        request = turn_request(
            question, texts=texts, history=history, visitor=visitor, revisable=revisable
        )
        turn = run_turn(request, expert_search(), model_for_visitors(), record)
        async with aclosing(turn) as events:
            async for event in events:
                yield event
    except Exception:
        logger.exception("a reply over HTTP failed")
        yield Outcome(status="failed", error="internal")


async def texts_in(language: str) -> Texts:
    """Without the database the built-in ones, which can still tell that the search is down."""
    try:
        return await in_database(current_texts, language)
    except DatabaseError as error:
        logger.warning("built-in texts used: %s", type(error).__name__)
        return texts_for(language)
