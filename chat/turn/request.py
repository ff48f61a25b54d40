"""What a turn is asked."""

from dataclasses import dataclass

from chat.turn.language_model import ChatMessage
from chat.turn.prompt import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRequest:
    """The visitor's words, what was said before (oldest first), and the texts of their language.

    `visitor` is a keyed hash of who asks. `revisable` tells that readers can take text back; where
    they cannot, a reply that fails after its first word is not begun anew.
    """

    question: str
    texts: Texts
    history: tuple[ChatMessage, ...] = ()
    visitor: str = ""
    revisable: bool = True
