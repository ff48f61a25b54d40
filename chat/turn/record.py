"""What a turn has come to so far, so that whenever it ends this can be told."""

from dataclasses import replace

from chat.turn.citations import Citations
from chat.turn.events import Grounding, Outcome, Source
from chat.turn.usage import UsageCount
from chat.turn.utf16 import utf16_cut


class TurnRecord:
    """Filled while a turn runs; whoever ends it early asks for `broken_off`."""

    def __init__(self) -> None:
        self.model = ""
        self.prompt_version = ""
        self.space = ""
        self.missed_calls = 0
        self.usage = UsageCount()
        self.citations = Citations()
        self._background_from: int | None = None

    def noted_in(self, outcome: Outcome) -> Outcome:
        """`outcome` with what wrote the reply and what it took."""
        usage = self.usage.total
        return replace(
            outcome,
            usage=usage,
            model=self.model if usage else "",
            prompt_version=self.prompt_version,
            space=outcome.space or self.space,
            missed_calls=self.missed_calls,
        )

    def with_background(self, length: int) -> None:
        """What stands from here on (in UTF-16 units) is written with answers at hand."""
        if self._background_from is None or length < self._background_from:
            self._background_from = length

    def sources(self, reply: str) -> tuple[Source, ...]:
        """What a reply rests on: words said before the search rest on nothing."""
        if self._background_from is None:
            return ()
        before = utf16_cut(reply, self._background_from)
        return self.citations.used(reply[len(before) :])

    def broken_off(self, outcome: Outcome, reply: str) -> Outcome:
        """`outcome` for a turn that ends where `reply` ends, with what that rests on."""
        sources = self.sources(reply)
        grounding: Grounding = "answer" if sources else "none"
        return self.noted_in(replace(outcome, sources=sources, grounding=grounding))
