"""The grounding guarantee: a reply that an expert's answer certainly fits rests on it.

A model may forget to search. Until it is known whether it must, the beginning of its text is held
back: so much can be replaced without the visitor having seen it. Nothing waits for long: until the
search is done, which is a matter of milliseconds, at most so many characters and so much time, and
then, if an answer certainly fits, to the end of the first sentence.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from chat.turn.events import TextDelta
from chat.turn.language_model import ModelEvent, RoundFinished, ToolCallDelta
from chat.turn.lookahead import Lookahead
from chat.turn.request import TurnLimits
from chat.turn.speculation import SpeculativeSearch

SENTENCE_END = re.compile(r"[。！？!?\n]|\.\s")


class MissedCallError(Exception):
    """The model replies without the experts, though their answer certainly fits.

    `text` is what it wrote that was never passed on.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class HoldBack:
    """Events that the visitor has not seen yet."""

    def __init__(self, limits: TurnLimits) -> None:
        self._limits = limits
        self._until: float | None = None
        self.text = ""
        self.events: list[ModelEvent] = []

    def add(self, event: ModelEvent) -> None:
        self.events.append(event)
        if isinstance(event, TextDelta):
            self.text += event.text
            self._until = self._until or now() + self._limits.hold_back_seconds

    @property
    def seconds_left(self) -> float | None:
        """None while there is no text to wait for."""
        return None if self._until is None else max(0.0, self._until - now())

    def full(self, *, searched: bool) -> bool:
        """A sentence is enough to judge a model by once it is known that it should have called."""
        if self._until is None:
            return False
        if searched and SENTENCE_END.search(self.text.strip()):
            return True
        return len(self.text) >= self._limits.hold_back_characters or now() >= self._until


class GroundingGuard:
    """Passes a round's events on, or raises MissedCallError instead.

    Text is taken back after it was passed on only if the search was slower than the hold-back,
    and only where the request is `revisable`.
    """

    def __init__(self, search: SpeculativeSearch, limits: TurnLimits, *, revisable: bool) -> None:
        self._search = search
        self._limits = limits
        self._revisable = revisable
        self._called = False
        self._text_passed = False

    async def events(
        self, events: AsyncGenerator[ModelEvent, None]
    ) -> AsyncGenerator[ModelEvent, None]:
        async with aclosing(Lookahead(events)) as ahead:
            for event in await self._held_back(ahead):
                yield self._passed(event)
            while (following := await ahead.take()) is not None:
                self._note_call(following)
                await self._overrule_if_certain(finished=isinstance(following, RoundFinished))
                yield self._passed(following)

    async def _held_back(self, ahead: Lookahead) -> list[ModelEvent]:
        """The first events, when they may be shown: it is known that nothing must replace them,
        or there are as many as may be held back."""
        held = HoldBack(self._limits)
        while not self._called and (self._search.pending or self._search.certain):
            await ahead.wait(self._search.pending, held.seconds_left)
            finished = False
            if ahead.ready:
                event = await ahead.take()
                if event is None:
                    break
                self._note_call(event)
                held.add(event)
                finished = isinstance(event, RoundFinished)
            if finished or held.full(searched=self._search.pending is None):
                await self._overrule_if_certain(held.text, finished=finished)
                break
        return held.events

    def _note_call(self, event: ModelEvent) -> None:
        self._called = self._called or isinstance(event, ToolCallDelta)

    async def _overrule_if_certain(self, held: str = "", *, finished: bool) -> None:
        """At the end of a round it is worth waiting for the search; before, it is not."""
        if self._called or (self._text_passed and not self._revisable):
            return
        if finished:
            await self._search.settle()
        if self._search.certain:
            raise MissedCallError(held)

    def _passed(self, event: ModelEvent) -> ModelEvent:
        self._text_passed = self._text_passed or isinstance(event, TextDelta)
        return event


def now() -> float:
    return asyncio.get_running_loop().time()
