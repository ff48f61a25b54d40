"""A turn from its claim to its stored end: what it cost, what it rests on, and that it ends."""

import asyncio
from uuid import UUID

import pytest

from chat import conversations, rendering, turns
from chat.commands import Stop
from chat.database import in_database
from chat.delta_log.memory import MemoryDeltaLog
from chat.llm.scripted import ScriptedLanguageModel, Step, saying, searching
from chat.models import Message, Turn
from chat.running_turn import RunningTurn
from chat.turn.events import TextDelta
from chat.turn.language_model import RoundUsage
from chat.turn.usage import tokens
from chat.wire_format import Accepted, MessageView
from tests.experts import NOTHING, ScriptedSearch, answer, clear
from tests.integration.log_owner import until
from tests.integration.turn_rows import ALICE, asked, claimed, keep, let_lease_end

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("database_thread"),
]

BANGING = answer("孩子撞头怎么办")
FOUND = ScriptedSearch(clear(BANGING))
WRITTEN = "先让孩子安静下来，再说别的"
TOLD: list[Step] = [TextDelta(text=WRITTEN)]
POISON = "Some *poison* here."


async def attempt(turn: UUID, *rounds: list[Step], search: ScriptedSearch = FOUND) -> None:
    """One that comes to the turn's end."""
    claim = await in_database(claimed, turn)
    model = ScriptedLanguageModel(rounds, name="gpt")
    await RunningTurn(claim, MemoryDeltaLog(), search, model).run()


async def lost_attempt(turn: UUID, *rounds: list[Step]) -> None:
    """One whose process is killed when the model has come to the end of its last round."""
    hangs: list[list[Step]] = [*rounds[:-1], [*rounds[-1], asyncio.Event()]]
    model = ScriptedLanguageModel(hangs, name="gpt")
    claim = await in_database(claimed, turn)
    running = RunningTurn(claim, MemoryDeltaLog(), FOUND, model)
    task = asyncio.create_task(running.run())
    await until(lambda: running.progress.text)
    while await in_database(rounds_noted, turn) < len(rounds) - 1:
        await asyncio.sleep(0.01)
    await in_database(keep, claim, running.progress.text)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await in_database(let_lease_end, turn)


def rounds_noted(turn: UUID) -> int:
    return len(Turn.objects.get(pk=turn).rounds)


async def stopped(accepted: Accepted) -> None:
    stop = Stop(turn=accepted.turn, send=None)
    await in_database(conversations.request_stop, ALICE, stop)


async def reply_to(accepted: Accepted) -> MessageView:
    return await in_database(conversations.reply_view, ALICE, accepted.message)


def model_of(accepted: Accepted) -> str:
    return Message.objects.get(pk=accepted.message).model


def usage_of(reply: MessageView) -> dict[str, int]:
    assert isinstance(reply.usage, dict)
    return reply.usage


def titles_of(reply: MessageView) -> list[object]:
    return [source["title"] for source in reply.sources if isinstance(source, dict)]


async def test_turn_that_is_stopped_after_its_owner_was_lost_keeps_experts_and_costs() -> None:
    accepted = await in_database(asked, "孩子总是撞头怎么办？")
    await lost_attempt(accepted.turn, searching("撞头"), TOLD)
    await stopped(accepted)

    await attempt(accepted.turn)

    reply = await reply_to(accepted)
    assert (reply.status, reply.text) == ("stopped", WRITTEN)
    assert (reply.grounding, titles_of(reply)) == ("answer", [BANGING.source.title])
    assert usage_of(reply)["estimated"]
    assert usage_of(reply)["output_tokens"] >= tokens(WRITTEN)
    assert await in_database(model_of, accepted) == "gpt"


async def test_turn_that_is_given_up_keeps_experts_and_costs() -> None:
    accepted = await in_database(asked, "孩子总是撞头怎么办？")
    await lost_attempt(accepted.turn, searching("撞头"), TOLD)
    for _ in range(turns.MOST_LOST_OWNERS):
        await lost_attempt(accepted.turn, TOLD)

    await attempt(accepted.turn)

    reply = await reply_to(accepted)
    assert (reply.status, reply.error, reply.text) == ("failed", "interrupted", WRITTEN)
    assert titles_of(reply) == [BANGING.source.title]
    assert usage_of(reply)["output_tokens"] >= tokens(WRITTEN)


async def test_turn_that_no_owner_had_begun_costs_nothing() -> None:
    accepted = await in_database(asked)
    await stopped(accepted)

    await attempt(accepted.turn)

    reply = await reply_to(accepted)
    assert (reply.status, reply.usage, reply.sources) == ("stopped", None, [])
    assert await in_database(model_of, accepted) == ""


async def test_stop_that_comes_before_the_provider_is_asked_keeps_what_is_there() -> None:
    accepted = await in_database(asked)
    await lost_attempt(accepted.turn, TOLD)
    claim = await in_database(claimed, accepted.turn)
    model = ScriptedLanguageModel([])
    running = RunningTurn(claim, MemoryDeltaLog(), FOUND, model)

    running.stop()
    await running.run()

    reply = await reply_to(accepted)
    assert (reply.status, reply.text) == ("stopped", WRITTEN)
    assert model.requests == []


async def test_what_a_lost_owner_had_written_is_counted_by_the_next() -> None:
    accepted = await in_database(asked, "你好")
    await lost_attempt(accepted.turn, TOLD)
    reported: list[Step] = [RoundUsage(input_tokens=100, output_tokens=2), *saying("您好。")]

    await attempt(accepted.turn, reported, search=ScriptedSearch(NOTHING))

    reply = await reply_to(accepted)
    usage = usage_of(reply)
    assert (reply.text, usage["output_tokens"]) == ("您好。", 2 + tokens(WRITTEN))
    assert usage["input_tokens"] > 100
    assert usage["estimated"]


async def test_turn_whose_text_cannot_be_rendered_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> str:
        raise IndexError

    monkeypatch.setattr(rendering._markdown, "render", fail)
    accepted = await in_database(asked)

    await attempt(accepted.turn, saying(POISON), search=ScriptedSearch(NOTHING))

    reply = await reply_to(accepted)
    assert (reply.status, reply.text) == ("done", POISON)
    assert reply.html == "<p>Some *poison* here.</p>"


async def test_turn_that_is_left_with_a_text_that_cannot_be_rendered_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: str) -> str:
        raise IndexError

    accepted = await in_database(asked)
    await lost_attempt(accepted.turn, [TextDelta(text=POISON)])
    await stopped(accepted)
    monkeypatch.setattr(rendering._markdown, "render", fail)

    await attempt(accepted.turn)

    reply = await reply_to(accepted)
    assert (reply.status, reply.text) == ("stopped", POISON)
