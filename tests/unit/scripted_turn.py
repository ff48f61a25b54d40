"""A turn with a scripted model, and what came of it."""

from contextlib import aclosing

from chat.llm.scripted import ScriptedLanguageModel
from chat.turn.events import Outcome, TextDelta, TurnEvent
from chat.turn.expert_search import ExpertSearch
from chat.turn.language_model import ChatMessage, LanguageModel, RoundFinished
from chat.turn.loop import run_turn
from chat.turn.prompt import CHINESE
from chat.turn.request import TurnLimits, TurnRequest
from tests.experts import answer

QUESTION = "孩子总是撞头怎么办？"
LIMITS = TurnLimits(retry_pause_seconds=0)
ASKED = TurnRequest(question=QUESTION, texts=CHINESE, limits=LIMITS)
BANGING = answer("孩子撞头怎么办")
SLEEP = answer("孩子不睡觉怎么办", "睡前一小时关掉屏幕。")
CALLED = RoundFinished(reason="tool_calls")


async def events_of(
    model: LanguageModel | None, search: ExpertSearch, request: TurnRequest = ASKED
) -> list[TurnEvent]:
    async with aclosing(run_turn(request, search, model)) as events:
        return [event async for event in events]


def text_of(events: list[TurnEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def outcome_of(events: list[TurnEvent]) -> Outcome:
    """The outcome, which there is one of, at the end."""
    [outcome] = [event for event in events if isinstance(event, Outcome)]
    assert events[-1] is outcome
    return outcome


def tool_results(model: ScriptedLanguageModel, request: int) -> list[ChatMessage]:
    return [each for each in model.requests[request].messages if each.role == "tool"]
