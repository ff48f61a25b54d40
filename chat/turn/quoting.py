"""Expert-only mode: a turn without a model. Quotes, offers or declines, and says so openly."""

import re
from collections.abc import AsyncGenerator, Iterator

from chat.turn.citations import titles
from chat.turn.events import Found, Outcome, Searching, TextDelta, TurnEvent
from chat.turn.expert_search import ExpertSearch, Findings, FoundAnswer, SearchUnavailableError
from chat.turn.prompt import Texts
from chat.turn.record import TurnRecord
from chat.turn.request import TurnRequest
from chat.turn.small_talk import kind_of

PIECE = re.compile(r"[^。！？!?\n]{1,80}[。！？!?\n]*|[。！？!?\n]+")


async def quote_experts(
    request: TurnRequest, search: ExpertSearch, record: TurnRecord
) -> AsyncGenerator[TurnEvent, None]:
    """One clear answer is quoted; several near ones are offered; else there is none yet."""
    kind = kind_of(request.question)
    if kind:
        yield TextDelta(text=getattr(request.texts, kind))
        yield Outcome()
        return
    yield Searching(question=request.question)
    try:
        findings = await search.search(request.question, earlier=request.earlier)
    except SearchUnavailableError:
        yield TextDelta(text=request.texts.unavailable)
        yield Outcome(status="failed", error="internal")
        return
    yield Found(hits=len(findings.answers))
    record.space = findings.space
    record.citations.add(findings)
    for event in told(findings, request.texts):
        yield event


def told(findings: Findings, texts: Texts) -> Iterator[TurnEvent]:
    match findings.fit:
        case "clear":
            yield from quoted(findings.answers, texts)
        case "near":
            yield TextDelta(text=texts.several)
            yield Outcome(suggestions=titles(findings.answers))
        case "none":
            yield TextDelta(text=texts.no_answer)
            yield Outcome(finish="no_answer")


def quoted(answers: tuple[FoundAnswer, ...], texts: Texts) -> Iterator[TurnEvent]:
    best = answers[0].source
    intro = texts.quoted.replace("{title}", best.title or best.text[:40])
    yield TextDelta(text=f"{intro}\n\n")
    yield from pieces(best.text)
    if best.expert:
        by = texts.quoted_by.replace("{expert}", best.expert).replace("{role}", best.role)
        yield TextDelta(text=f"\n\n{by.replace('（）', '').replace(' ()', '')}")
    yield Outcome(
        grounding="verbatim" if answers[0].verbatim else "answer",
        sources=(best,),
        suggestions=titles(answers[1:]),
    )


def pieces(text: str) -> Iterator[TextDelta]:
    """The text in reading bites, as a model would stream it."""
    for piece in PIECE.findall(text):
        yield TextDelta(text=piece)
