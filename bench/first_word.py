"""Time to the first word that rests on an expert's answer: speculative search against sequential.

Run as `make bench`. The model is a stand-in that takes so long to its first token and calls the
tool; the search is the real one, with its embedder and Postgres. In the speculative order the
model asks what the visitor asked, so that its result is there already; in the sequential order the
search begins with the model's call, as it does where no search runs ahead. Turns of both kinds
alternate in one run. Read the ratios, not the milliseconds: machines are noisy.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.scratch_base import scratch_base
from chat.llm.scripted import Step, saying, searching
from chat.turn.events import TextDelta
from chat.turn.expert_search import ExpertSearch, Findings
from chat.turn.language_model import ModelEvent, ModelRequest, UpstreamError
from chat.turn.loop import run_turn
from chat.turn.prompt import CHINESE
from chat.turn.request import TurnRequest

QUESTIONS = [
    "孩子总是用头撞墙，我该怎么办？",
    "两岁半了还不会叫妈妈，是自闭症吗？",
    "晚上不肯睡觉，半夜醒来玩好几个小时",
    "他只吃白米饭和面条，怎么让他吃菜？",
    "去超市就捂着耳朵尖叫怎么办",
    "自闭症的孩子能不能上普通幼儿园？",
]
ROUNDS = 5
FIRST_TOKEN_SECONDS = (0.0, 0.1, 0.3)


class SlowModel:
    """Calls the tool with the visitor's question, then answers; each after so many seconds."""

    name = "slow"

    def __init__(self, question: str, first_token_seconds: float) -> None:
        self._rounds = iter([searching(question), saying("好的[1]。")])
        self._seconds = first_token_seconds

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        steps: list[Step] = next(self._rounds)
        await asyncio.sleep(self._seconds)
        for step in steps:
            if not isinstance(step, (asyncio.Event, UpstreamError)):
                yield step


class SearchOnDemand:
    """The sequential order: what runs ahead finds nothing out."""

    def __init__(self, search: ExpertSearch) -> None:
        self._search = search
        self._asked = False

    async def search(self, question: str, *, earlier: tuple[str, ...] = ()) -> Findings:
        if not self._asked:
            self._asked = True
            return Findings(answers=(), fit="none")
        return await self._search.search(question, earlier=earlier)


async def first_word_seconds(
    visitors: str, models: str, search: ExpertSearch, first_token_seconds: float
) -> float:
    request = TurnRequest(question=visitors, texts=CHINESE)
    model = SlowModel(models, first_token_seconds)
    began = time.perf_counter()
    async with aclosing(run_turn(request, search, model)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                return time.perf_counter() - began
    raise RuntimeError("The turn ended without a word.")


async def measure() -> None:
    from chat.wiring import expert_search, warm_up  # noqa: PLC0415  (after the set-up)

    await warm_up()
    search = expert_search()
    for first_token_seconds in FIRST_TOKEN_SECONDS:
        ahead, after = [], []
        for question in QUESTIONS * ROUNDS:
            ahead.append(await first_word_seconds(question, question, search, first_token_seconds))
            unlike = f"家长问：{question}请专家回答，说得详细一些，谢谢各位老师"
            after.append(
                await first_word_seconds(
                    unlike, question, SearchOnDemand(search), first_token_seconds
                )
            )
        row(first_token_seconds, statistics.median(ahead), statistics.median(after))


def row(first_token_seconds: float, ahead: float, after: float) -> None:
    sys.stdout.write(
        f"first token after {first_token_seconds * 1000:4.0f} ms:"
        f" speculative {ahead * 1000:7.1f} ms, sequential {after * 1000:7.1f} ms,"
        f" {after / ahead:5.2f} x\n"
    )


if __name__ == "__main__":
    with scratch_base():
        asyncio.run(measure())
