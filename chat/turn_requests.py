"""Turns a question into what a turn needs: the texts of its language, and the operator's limits."""

from django.conf import settings

from chat.prompts import current_texts
from chat.turn.language_model import ChatMessage
from chat.turn.prompt import Texts
from chat.turn.request import TurnLimits, TurnRequest
from knowledge.plain_text import language_of


def turn_request(
    question: str,
    *,
    texts: Texts | None = None,
    history: tuple[ChatMessage, ...] = (),
    visitor: str = "",
    revisable: bool = True,
) -> TurnRequest:
    """Blocking, where it is not told the texts: one query."""
    return TurnRequest(
        question=question,
        texts=texts or current_texts(language_of(question)),
        history=history,
        visitor=visitor,
        revisable=revisable,
        limits=limits(),
    )


def limits() -> TurnLimits:
    return TurnLimits(
        hold_back_characters=settings.HOLD_BACK_CHARACTERS,
        hold_back_seconds=settings.HOLD_BACK_SECONDS,
        retry_seconds=settings.MODEL_RETRY_SECONDS,
        output_tokens=settings.CHAT_MAX_OUTPUT_TOKENS,
    )
