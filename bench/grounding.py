"""How often replies rest on the experts' answers, whatever the model does.

`python bench/grounding.py KNOWLEDGE.jsonl QUERIES.jsonl …` publishes the answers in a base of its
own and asks every question of the files with each of four models: one that calls the tool, one
that never does, one that calls late, after some text, and one whose arguments are not JSON.
Told are the share of certain questions (those that a model may not answer by itself) whose reply
is grounded, the share of all, and how often the model that never calls is overruled.
"""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.scratch_base import scratch_base
from chat.llm.scripted import Step, calling, saying, searching
from chat.turn.events import Outcome, TextDelta
from chat.turn.expert_search import ExpertSearch, Findings
from chat.turn.language_model import ModelEvent, ModelRequest, RoundFinished, UpstreamError
from chat.turn.loop import run_turn
from chat.turn.prompt import texts_for
from chat.turn.request import TurnRequest
from knowledge.plain_text import language_of

ANSWERED = saying("好的，请这样做。")
CALLED = RoundFinished(reason="tool_calls")
Rounds = list[list[Step]]


def late(question: str) -> list[Step]:
    return [TextDelta(text="让我想一想，"), TextDelta(text="查一下"), *searching(question)]


MODELS: dict[str, Callable[[str], Rounds]] = {
    "calls": lambda question: [searching(question), ANSWERED],
    "never calls": lambda _question: [saying("多陪陪孩子就好了。", "慢慢来。"), ANSWERED],
    "calls late": lambda question: [late(question), ANSWERED, ANSWERED],
    "bad JSON": lambda _question: [[calling("{"), CALLED], [calling("["), CALLED], ANSWERED],
}


class ScriptedRounds:
    name = "scripted"

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = iter(rounds)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        for step in next(self._rounds):
            if not isinstance(step, (asyncio.Event, UpstreamError)):
                yield step


class RememberedSearch:
    """Asks each question of the base once."""

    def __init__(self, search: ExpertSearch) -> None:
        self._search = search
        self._found: dict[str, Findings] = {}

    async def search(self, question: str, *, earlier: tuple[str, ...] = ()) -> Findings:
        if question not in self._found:
            self._found[question] = await self._search.search(question)
        return self._found[question]


def questions_of(paths: list[Path]) -> Iterator[tuple[str, str]]:
    """Pairs of a kind and a question that stands alone."""
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            query = json.loads(line)
            if not query.get("history"):
                yield f"{path.parent.name}/{query['type']}", query["query"]


async def outcome(question: str, rounds: Rounds, search: ExpertSearch) -> Outcome:
    request = TurnRequest(question=question, texts=texts_for(language_of(question)))
    turn = run_turn(request, search, ScriptedRounds(rounds))
    async with aclosing(turn) as events:
        async for event in events:
            if isinstance(event, Outcome):
                return event
    raise RuntimeError("The turn ended without an outcome.")


async def measure(paths: list[Path]) -> None:
    from chat.wiring import expert_search  # noqa: PLC0415  (after the set-up)

    search = RememberedSearch(expert_search())
    asked = list(questions_of(paths))
    for kind in sorted({kind for kind, _ in asked}):
        await measure_kind(kind, [question for each, question in asked if each == kind], search)


async def measure_kind(kind: str, questions: list[str], search: RememberedSearch) -> None:
    found = [(await search.search(question)).certain for question in questions]
    sys.stdout.write(f"{kind}: {len(questions)} questions, {sum(found)} certain\n")
    for name, script in MODELS.items():
        outcomes = [await outcome(question, script(question), search) for question in questions]
        grounded = [each.grounding != "none" for each in outcomes]
        certain = [ground for ground, sure in zip(grounded, found, strict=True) if sure]
        missed = sum(each.missed_calls for each in outcomes)
        sys.stdout.write(
            f"  {name:12} grounded {sum(grounded):4}, of the certain {sum(certain):4}"
            f" / {len(certain):4}, overruled {missed:4} ({missed / len(questions):.3f})\n"
        )


def main(arguments: list[str]) -> None:
    knowledge, *queries = map(Path, arguments)
    with scratch_base(knowledge):
        asyncio.run(measure(queries))


if __name__ == "__main__":
    main(sys.argv[1:])
