"""The cast of the tests: what experts have answered, and searches that find it, or cannot."""

import asyncio
from collections.abc import Mapping
from datetime import date

from chat.turn.events import Source
from chat.turn.expert_search import Findings, FoundAnswer, SearchUnavailableError

NOTHING = Findings(answers=(), fit="none")


def answer(
    title: str,
    text: str = "先让孩子安静下来。",
    *,
    expert: str = "李医生",
    role: str = "儿科医生",
    score: float = 0.9,
    verbatim: bool = False,
) -> FoundAnswer:
    """An answer that is named by its title."""
    source = Source(
        answer=f"answer to {title}",
        version=3,
        title=title,
        expert=expert,
        role=role,
        reviewed_at=date(2026, 5, 1),
        overdue=False,
        score=score,
        text=text,
        url=None,
    )
    return FoundAnswer(source=source, verbatim=verbatim)


def clear(*answers: FoundAnswer) -> Findings:
    return Findings(answers=answers, fit="clear")


def near(*answers: FoundAnswer) -> Findings:
    return Findings(answers=answers, fit="near")


def certain(*answers: FoundAnswer) -> Findings:
    return Findings(answers=answers, fit="near", certain=True, space="test")


class ScriptedSearch:
    """Finds these one after the other, and the last of them ever after."""

    def __init__(self, *findings: Findings) -> None:
        self._findings = findings
        self.questions: list[str] = []
        self.earlier: list[tuple[str, ...]] = []

    async def search(self, question: str, *, earlier: tuple[str, ...] = ()) -> Findings:
        self.questions.append(question)
        self.earlier.append(earlier)
        return self._findings[min(len(self.questions), len(self._findings)) - 1]


class SearchOf:
    """Finds for each question what `findings` says, and nothing for any other."""

    def __init__(self, findings: Mapping[str, Findings]) -> None:
        self._findings = findings
        self.questions: list[str] = []

    async def search(self, question: str, *, earlier: tuple[str, ...] = ()) -> Findings:
        self.questions.append(question)
        return self._findings.get(question, NOTHING)


class SearchInHand:
    """Finds `findings` as soon as `done` is set."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.done = asyncio.Event()

    async def search(self, question: str, *, earlier: tuple[str, ...] = ()) -> Findings:
        await self.done.wait()
        return self._findings


class UnavailableSearch:
    """A search whose database is down."""

    async def search(self, question: str, *, earlier: tuple[str, ...] = ()) -> Findings:
        raise SearchUnavailableError
