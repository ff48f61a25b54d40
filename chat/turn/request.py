"""What a turn is asked."""

from dataclasses import dataclass

from chat.turn.language_model import ChatMessage
from chat.turn.prompt import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRequest:
    """The visitor's words, what was said before (oldest first), and the texts of their language."""

    question: str
    texts: Texts
    history: tuple[ChatMessage, ...] = ()
