"""When a language model that fails is left alone, and when it is asked again."""

import asyncio

import pytest

from chat.llm.resting import FAILURES, RestingLanguageModel
from chat.llm.scripted import ScriptedLanguageModel, Step, saying
from chat.turn.events import TextDelta
from chat.turn.language_model import ModelRequest, UpstreamError

REST_SECONDS = 30
REQUEST = ModelRequest(messages=())


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Rested:
    """A model that plays `rounds`, and what came of asking it."""

    def __init__(self, *rounds: list[Step]) -> None:
        self.clock = Clock()
        self.scripted = ScriptedLanguageModel(rounds)
        self._model = RestingLanguageModel(self.scripted, rest_seconds=REST_SECONDS, now=self.clock)

    @property
    def asked(self) -> int:
        return len(self.scripted.requests)

    async def ask(self) -> str:
        """What it says, or the code of its failure."""
        try:
            events = [event async for event in self._model.stream(REQUEST)]
        except UpstreamError as error:
            return error.code
        return "".join(event.text for event in events if isinstance(event, TextDelta))


def failing(code: str = "upstream_reset", *, retryable: bool = True) -> list[Step]:
    return [UpstreamError(code, retryable=retryable)]


async def test_model_that_keeps_failing_is_left_alone() -> None:
    rested = Rested(*[failing()] * FAILURES)

    codes = [await rested.ask() for _ in range(FAILURES + 3)]

    assert codes == ["upstream_reset"] * (FAILURES + 3)
    assert rested.asked == FAILURES


async def test_reply_between_failures_ends_the_row() -> None:
    few = [failing()] * (FAILURES - 1)
    rested = Rested(*few, saying("Hello."), *few, saying("Again."))

    said = [await rested.ask() for _ in range(2 * FAILURES)]

    assert (said[FAILURES - 1], said[-1]) == ("Hello.", "Again.")


async def test_one_round_tries_after_the_rest_and_all_once_it_speaks() -> None:
    rested = Rested(*[failing()] * (FAILURES + 1), saying("Back."), saying("For all."))
    for _ in range(FAILURES):
        await rested.ask()

    rested.clock.seconds += REST_SECONDS
    tried = [await rested.ask(), await rested.ask()]
    rested.clock.seconds += REST_SECONDS
    works = [await rested.ask(), await rested.ask()]

    assert tried == ["upstream_reset"] * 2
    assert rested.asked == FAILURES + 3
    assert works == ["Back.", "For all."]


async def test_others_go_without_while_one_round_tries() -> None:
    silent = asyncio.Event()
    rested = Rested(*[failing()] * FAILURES, [silent, *saying("Back.")])
    for _ in range(FAILURES):
        await rested.ask()
    rested.clock.seconds += REST_SECONDS

    trying = asyncio.create_task(rested.ask())
    while rested.asked == FAILURES:
        await asyncio.sleep(0)
    meanwhile = await rested.ask()
    silent.set()

    assert (meanwhile, await trying) == ("upstream_reset", "Back.")


@pytest.mark.parametrize("code", ["upstream_error", "limit"])
async def test_refusal_for_good_does_not_count(code: str) -> None:
    rested = Rested(*[failing(code, retryable=False)] * 10, saying("Hello."))

    said = [await rested.ask() for _ in range(11)]

    assert said[-1] == "Hello."
