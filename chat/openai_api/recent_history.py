"""How much of what a client says was said before is shown to the model."""

from chat.turn.language_model import ChatMessage
from chat.turn.usage import tokens

MESSAGES = 40


def recent(history: tuple[ChatMessage, ...], budget: int) -> tuple[ChatMessage, ...]:
    """The latest messages, oldest first: whole ones, up to `budget` tokens, the user's first."""
    kept: list[ChatMessage] = []
    for message in reversed(history[-MESSAGES:]):
        budget -= tokens(message.content)
        if budget < 0:
            break
        kept.append(message)
    while kept and kept[-1].role != "user":
        kept.pop()
    return tuple(reversed(kept))
