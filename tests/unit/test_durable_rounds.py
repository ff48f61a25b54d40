"""Rounds that another attempt need not ask for again."""

from contextlib import aclosing

import pytest

from chat.llm.scripted import ScriptedLanguageModel, Step, saying, searching
from chat.turn.durable_rounds import DurableRound, DurableRounds
from chat.turn.events import JsonValue, Outcome, TextDelta, TurnEvent
from chat.turn.language_model import (
    ChatMessage,
    ModelEvent,
    ModelRequest,
    RoundFinished,
    RoundUsage,
    ToolCallDelta,
    UpstreamError,
)
from chat.turn.loop import run_turn
from chat.turn.prompt import CHINESE
from chat.turn.request import TurnLimits, TurnRequest
from tests.experts import ScriptedSearch, answer, clear

ASKED = TurnRequest(
    question="孩子总是撞头怎么办？", texts=CHINESE, limits=TurnLimits(retry_pause_seconds=0)
)
REQUEST = ModelRequest(messages=(ChatMessage(role="user", content="Why?"),))
OTHER_REQUEST = ModelRequest(messages=(ChatMessage(role="user", content="How?"),))
CALL = searching("撞头")


class Attempt:
    """One attempt at a turn: its model, and the rounds that got done."""

    def __init__(self, *rounds: list[Step], done: tuple[DurableRound, ...] = ()) -> None:
        self.provider = ScriptedLanguageModel(rounds)
        self.noted: list[DurableRound] = []
        self.model = DurableRounds(self.provider, done, self.noted.append)

    async def said(self, request: ModelRequest = REQUEST) -> list[ModelEvent]:
        async with aclosing(self.model.stream(request)) as events:
            return [event async for event in events]

    async def turn(self) -> list[TurnEvent]:
        search = ScriptedSearch(clear(answer("孩子撞头怎么办")))
        async with aclosing(run_turn(ASKED, search, self.model)) as events:
            return [event async for event in events]


async def test_round_that_ended_in_calls_is_noted() -> None:
    attempt = Attempt([TextDelta(text="让我看看。"), *CALL])

    said = await attempt.said()

    [noted] = attempt.noted
    assert list(noted.events) == said
    assert attempt.model.name == "scripted"


async def test_round_without_calls_is_not_noted() -> None:
    attempt = Attempt(saying("Hello."))

    await attempt.said()

    assert attempt.noted == []


async def test_round_that_was_cut_off_is_not_noted() -> None:
    attempt = Attempt([*CALL[:-1]])

    await attempt.said()

    assert attempt.noted == []


async def test_round_that_failed_is_not_noted() -> None:
    attempt = Attempt([*CALL[:-1], UpstreamError("upstream_reset")])

    with pytest.raises(UpstreamError):
        await attempt.said()

    assert attempt.noted == []


async def test_noted_round_is_repeated_without_asking() -> None:
    first = Attempt(CALL)
    said = await first.said()

    second = Attempt(done=tuple(first.noted))

    assert await second.said() == said
    assert second.provider.requests == []


async def test_another_request_is_asked() -> None:
    first = Attempt(CALL)
    await first.said()

    second = Attempt(saying("Hello."), done=tuple(first.noted))
    await second.said(OTHER_REQUEST)

    assert second.provider.requests == [OTHER_REQUEST]


@pytest.mark.parametrize(
    "said",
    [
        TextDelta(text="让我看看。"),
        ToolCallDelta(index=None, id="call_1", name="search", arguments='{"question": "?"}'),
        RoundUsage(input_tokens=3, output_tokens=2),
        RoundFinished(reason="tool_calls", reasoning="Hm."),
    ],
)
def test_round_reads_as_it_was_written(said: ModelEvent) -> None:
    done = DurableRound(request="digest", events=(said,))

    assert DurableRound.read(done.as_json()) == done


@pytest.mark.parametrize(
    "stored",
    [
        None,
        7,
        [],
        {},
        {"request": "digest"},
        {"request": 7, "events": []},
        {"request": "digest", "events": "none"},
        {"request": "digest", "events": [7]},
        {"request": "digest", "events": [{"text": "no kind"}]},
        {"request": "digest", "events": [{"kind": "song", "text": "la"}]},
        {"request": "digest", "events": [{"kind": "call", "index": 0}]},
    ],
)
def test_what_another_version_wrote_is_no_round(stored: JsonValue) -> None:
    assert DurableRound.read(stored) is None


async def test_turn_that_is_taken_over_asks_only_for_the_round_that_was_cut_off() -> None:
    first = Attempt(CALL, [TextDelta(text="先护"), UpstreamError("x", retryable=False)])
    await first.turn()

    second = Attempt(saying("先护住头。[1]"), done=tuple(first.noted))
    told = await second.turn()

    [request] = second.provider.requests
    assert [message.role for message in request.messages][-2:] == ["assistant", "tool"]
    assert isinstance(told[-1], Outcome)
    assert (told[-1].status, told[-1].grounding) == ("done", "answer")
    assert "".join(e.text for e in told if isinstance(e, TextDelta)) == "先护住头。"
