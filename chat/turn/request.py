"""What a turn is asked."""

from dataclasses import dataclass, field

from chat.turn.language_model import ChatMessage
from chat.turn.prompt import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLimits:
    """What a turn may cost.

    At most one sentence, `hold_back_characters` and `hold_back_seconds` of a reply are held back
    while an expert's answer may have to replace it. A failed round is tried again after
    `retry_pause_seconds`, or the pause that the provider asks for; where that is longer than
    `retry_seconds`, the turn goes on without a model. `output_tokens` (estimated) bounds the whole
    reply.
    """

    hold_back_characters: int = 160
    hold_back_seconds: float = 1.5
    retry_pause_seconds: float = 0.25
    retry_seconds: float = 10.0
    output_tokens: int = 131_072


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
    limits: TurnLimits = field(default_factory=TurnLimits)

    @property
    def earlier(self) -> tuple[str, ...]:
        """What the visitor said before, oldest first."""
        return tuple(message.content for message in self.history if message.role == "user")
