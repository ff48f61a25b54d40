"""Counts a turn's tokens: the provider's figures, or an estimate marked as one."""

from dataclasses import replace

from chat.turn.events import Outcome, Usage
from chat.turn.language_model import ModelRequest, RoundUsage, ToolCall

LATIN_CHARACTERS_PER_TOKEN = 4
LATIN_END = "\u0250"


class UsageCount:
    def __init__(self) -> None:
        self._input = 0
        self._output = 0
        self._estimated = False

    def add(
        self,
        usage: RoundUsage | None,
        request: ModelRequest,
        text: str,
        calls: tuple[ToolCall, ...],
    ) -> None:
        """Add one finished round; without the provider's figures, estimate them."""
        self._estimated = self._estimated or usage is None
        self._input += (
            usage.input_tokens if usage else sum(tokens(m.content) for m in request.messages)
        )
        self._output += (
            usage.output_tokens if usage else tokens(text) + sum(tokens(c.arguments) for c in calls)
        )

    def noted_in(self, outcome: Outcome, *, model: str) -> Outcome:
        usage = Usage(
            input_tokens=self._input, output_tokens=self._output, estimated=self._estimated
        )
        return replace(outcome, usage=usage, model=model)


def tokens(text: str) -> int:
    """A rough count: a token for each Chinese character, one for four Latin ones."""
    latin = sum(character < LATIN_END for character in text)
    return len(text) - latin + -(-latin // LATIN_CHARACTERS_PER_TOKEN)
