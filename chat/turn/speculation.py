"""Speculative search: the visitor's own words are searched while the model still thinks."""

import asyncio
import re
import unicodedata
from dataclasses import replace
from itertools import pairwise
from typing import Self

from chat.turn.expert_search import ExpertSearch, Findings, FoundAnswer, SearchUnavailableError
from chat.turn.request import TurnRequest
from chat.turn.small_talk import kind_of

MOST_ANSWERS = 8
ALIKE = 0.8
"""Share of common pairs of letters from which two questions would find the same."""


class SpeculativeSearch:
    """An ExpertSearch whose result for the visitor's own words is under way or there already.

    Any other question is searched as well, and what both find is put together: a model may lose
    what matters when it rewrites, and a visitor's "and for how long?" says little by itself.
    """

    def __init__(self, search: ExpertSearch, request: TurnRequest) -> None:
        self._search = search
        self._question = request.question
        self._earlier = request.earlier
        self._own: asyncio.Task[Findings] | None = None

    def begin(self) -> None:
        """Small talk is not searched for: nothing of it is the experts' business."""
        if kind_of(self._question) is None:
            self._own = asyncio.create_task(
                self._search.search(self._question, earlier=self._earlier)
            )

    @property
    def pending(self) -> asyncio.Task[Findings] | None:
        """The search under way, if it is."""
        return None if self._own is None or self._own.done() else self._own

    @property
    def certain(self) -> bool:
        """Whether it is known by now that the reply must rest on the experts' answers."""
        found = self._own is not None and self._own.done() and self._own.exception() is None
        return found and self._own is not None and self._own.result().certain

    async def settle(self) -> None:
        """Wait until what the own words find is known, or that it cannot be."""
        if self.pending:
            await asyncio.wait({self.pending})

    async def search(self, question: str, *, earlier: tuple[str, ...] = ()) -> Findings:
        """Raises SearchUnavailableError where neither search can be made."""
        if self._own is None:
            return await self._search.search(question, earlier=earlier)
        if alike(question, self._question):
            return await self._own
        asked, own = await asyncio.gather(
            self._search.search(question), self._own, return_exceptions=True
        )
        return joined(asked, own)

    async def aclose(self) -> None:
        if self._own is not None:
            self._own.cancel()
            await asyncio.gather(self._own, return_exceptions=True)

    async def __aenter__(self) -> Self:
        self.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def joined(asked: Findings | BaseException, own: Findings | BaseException) -> Findings:
    """What two searches found; where one failed, the other counts."""
    match asked, own:
        case Findings(), Findings():
            return together(asked, own)
        case Findings() as found, SearchUnavailableError():
            return found
        case SearchUnavailableError(), Findings() as found:
            return found
        case SearchUnavailableError() as error, _:
            raise error
        case BaseException() as error, _:
            raise error
        case _, BaseException() as error:
            raise error
    raise SearchUnavailableError


def together(asked: Findings, own: Findings) -> Findings:
    """The answers to what the model asked, then those to the visitor's words, each once."""
    if asked.fit == "none" or own.fit == "none":
        found = own if asked.fit == "none" else asked
        return replace(found, certain=asked.certain or own.certain)
    answers = {found.source.answer: found for found in (*own.answers, *asked.answers)}
    order = dict.fromkeys(found.source.answer for found in (*asked.answers, *own.answers))
    return Findings(
        answers=tuple(answers[answer] for answer in order)[:MOST_ANSWERS],
        fit="near" if differ(asked, own) else asked.fit,
        certain=asked.certain or own.certain,
        space=asked.space,
    )


def differ(asked: Findings, own: Findings) -> bool:
    """Whether both are sure, of different answers."""
    return asked.fit == own.fit == "clear" and best(asked) != best(own)


def best(findings: Findings) -> str:
    found: FoundAnswer = findings.answers[0]
    return found.source.answer


def alike(one: str, other: str) -> bool:
    """Whether two questions say the same but for spaces, marks and a letter or two."""
    first, second = letters(one), letters(other)
    if first == second:
        return True
    pairs, others = set(pairwise(first)), set(pairwise(second))
    common = 2 * len(pairs & others)
    return common >= ALIKE * (len(pairs) + len(others)) > 0


def letters(text: str) -> str:
    return "".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))
