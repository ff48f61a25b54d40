"""Counts a turn's tokens: the provider's figures, or an estimate marked as one."""

from dataclasses import dataclass, field

from chat.turn.events import Usage
from chat.turn.language_model import ModelRequest, RoundUsage

LATIN_CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True, kw_only=True)
class RoundCount:
    """One round, as far as it came. One that failed and wrote nothing was refused: it costs
    nothing. One that was broken off before it wrote anything costs what it was asked."""

    request: ModelRequest
    written: list[str] = field(default_factory=list)
    reported: RoundUsage | None = None
    failed: bool = False

    @property
    def refused(self) -> bool:
        return self.failed and not self.written and self.reported is None


class UsageCount:
    """Of all rounds of a turn, those included that broke off."""

    def __init__(self) -> None:
        self._rounds: list[RoundCount] = []

    def begin(self, request: ModelRequest) -> None:
        self._rounds.append(RoundCount(request=request))

    def wrote(self, text: str) -> None:
        """The model wrote this, be it text or arguments of a call."""
        self._rounds[-1].written.append(text)

    def reported(self, usage: RoundUsage) -> None:
        self._rounds[-1].reported = usage

    def failed(self) -> None:
        self._rounds[-1].failed = True

    @property
    def total(self) -> Usage | None:
        """None where no model did anything."""
        counted = [each for each in self._rounds if not each.refused]
        if not counted:
            return None
        usages = [each.reported or estimate(each) for each in counted]
        return Usage(
            input_tokens=sum(usage.input_tokens for usage in usages),
            output_tokens=sum(usage.output_tokens for usage in usages),
            estimated=any(each.reported is None for each in counted),
        )


def estimate(count: RoundCount) -> RoundUsage:
    return RoundUsage(
        input_tokens=sum(tokens(message.content) for message in count.request.messages),
        output_tokens=tokens("".join(count.written)),
    )


def tokens(text: str) -> int:
    """A rough count: a token for each Chinese character, one for four Latin ones."""
    return -(-quarter_tokens(text) // LATIN_CHARACTERS_PER_TOKEN)


def quarter_tokens(text: str) -> int:
    """The same in quarters, which can be added up over pieces of a text."""
    if text.isascii():
        return len(text)
    ascii_characters = len(text.encode("ascii", "ignore"))
    return ascii_characters + (len(text) - ascii_characters) * LATIN_CHARACTERS_PER_TOKEN
