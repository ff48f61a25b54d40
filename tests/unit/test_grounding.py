"""The grounding guarantee: a model that forgets the experts is overruled, and nobody waits."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from itertools import repeat

import pytest

from chat.llm.scripted import ScriptedLanguageModel, Step, calling, saying, searching
from chat.turn.events import Found, Outcome, Restarted, Searching, TextDelta, TurnEvent
from chat.turn.expert_search import ExpertSearch, Findings
from chat.turn.language_model import RoundFinished, UpstreamError
from chat.turn.loop import run_turn
from chat.turn.prompt import CHINESE
from chat.turn.request import TurnLimits, TurnRequest
from tests.experts import (
    ScriptedSearch,
    SearchInHand,
    SearchOf,
    UnavailableSearch,
    answer,
    certain,
    clear,
    near,
)

QUESTION = "孩子总是撞头怎么办？"
PATIENT = TurnLimits(hold_back_seconds=60, retry_pause_seconds=0)
ASKED = TurnRequest(question=QUESTION, texts=CHINESE, limits=PATIENT)
BANGING = answer("孩子撞头怎么办")
SLEEP = answer("孩子不睡觉怎么办", "睡前一小时关掉屏幕。")
GROUNDED = saying("抱住他[1]。")
CALLED = RoundFinished(reason="tool_calls")


async def events_of(
    model: ScriptedLanguageModel, search: ExpertSearch, request: TurnRequest = ASKED
) -> list[TurnEvent]:
    async with aclosing(run_turn(request, search, model)) as events:
        return [event async for event in events]


def outcome_of(events: list[TurnEvent]) -> Outcome:
    assert isinstance(events[-1], Outcome)
    return events[-1]


def shown(events: list[TurnEvent]) -> str:
    """What the visitor sees in the end."""
    text = ""
    for event in events:
        match event:
            case TextDelta():
                text += event.text
            case Restarted():
                text = text[: event.keep]
    return text


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(searching("孩子撞头"), id="calls the tool"),
        pytest.param(saying("多陪陪他。", "再看看。"), id="never calls"),
        pytest.param(saying("嗯"), id="says a word"),
        pytest.param(saying("很长的话" * 100), id="says all at once"),
        pytest.param(
            [TextDelta(text="我查一下"), calling('{"question": "撞头"}'), CALLED], id="calls late"
        ),
        pytest.param(
            [TextDelta(text="我。查。"), calling('{"question": "撞头"}'), CALLED],
            id="calls after a sentence",
        ),
        pytest.param([calling('{"question": "撞'), CALLED], id="bad JSON"),
        pytest.param(saying(finish="content_filter"), id="withholds"),
    ],
)
async def test_reply_that_must_rest_on_an_answer_does(first: list[Step]) -> None:
    model = ScriptedLanguageModel([first, GROUNDED, GROUNDED])

    events = await events_of(model, ScriptedSearch(certain(BANGING, SLEEP)))

    assert outcome_of(events).grounding == "answer"
    assert outcome_of(events).sources == (BANGING.source,)
    assert shown(events).endswith("抱住他。")


async def test_model_that_forgets_the_experts_is_not_heard() -> None:
    model = ScriptedLanguageModel([saying("多陪陪", "他。", "再看看。"), GROUNDED])

    events = await events_of(model, ScriptedSearch(certain(BANGING)))

    assert events[:3] == [Searching(question=QUESTION), Found(hits=1), TextDelta(text="抱住他。")]
    assert outcome_of(events).missed_calls == 1
    assert model.open_streams == 0


async def test_missed_call_is_put_into_the_models_mouth() -> None:
    model = ScriptedLanguageModel([saying("多陪陪他。"), GROUNDED])

    await events_of(model, ScriptedSearch(certain(BANGING)))

    *_, said, result = model.requests[1].messages
    assert said.content == ""
    assert [call.id for call in said.tool_calls] == [result.tool_call_id]
    assert BANGING.source.text in result.content
    assert model.requests[1].messages[0].content == CHINESE.answering


async def test_tokens_of_an_overruled_round_are_counted() -> None:
    model = ScriptedLanguageModel([saying("多陪陪他。"), saying("抱住他。")])

    usage = outcome_of(await events_of(model, ScriptedSearch(certain(BANGING)))).usage

    assert usage is not None
    assert usage.output_tokens == len("多陪陪他。") + len("抱住他。")


async def test_model_may_say_a_sentence_before_it_calls() -> None:
    late: list[Step] = [TextDelta(text="我查一下"), calling('{"question": "撞头"}'), CALLED]
    model = ScriptedLanguageModel([late, GROUNDED])

    events = await events_of(model, ScriptedSearch(certain(BANGING)))

    assert shown(events) == "我查一下\n\n抱住他。"
    assert outcome_of(events).missed_calls == 0


async def test_model_that_was_told_off_for_a_bad_call_is_still_watched() -> None:
    bad: list[Step] = [calling("{"), CALLED]
    model = ScriptedLanguageModel([bad, saying("多陪陪他。"), GROUNDED])

    events = await events_of(model, ScriptedSearch(certain(BANGING)))

    assert shown(events) == "抱住他。"
    assert outcome_of(events).missed_calls == 1


@pytest.mark.parametrize("found", [near(BANGING), clear(BANGING)], ids=["near", "clear"])
async def test_model_is_trusted_where_no_answer_certainly_fits(found: Findings) -> None:
    model = ScriptedLanguageModel([saying("我在听。", "请说。")])

    events = await events_of(model, ScriptedSearch(found))

    assert shown(events) == "我在听。请说。"
    assert outcome_of(events).grounding == "none"
    assert outcome_of(events).missed_calls == 0


async def test_text_flows_at_once_when_no_answer_certainly_fits() -> None:
    goes_on = asyncio.Event()
    model = ScriptedLanguageModel([[TextDelta(text="我"), goes_on, *saying("在听。")]])

    async with aclosing(run_turn(ASKED, ScriptedSearch(near(BANGING)), model)) as events:
        first = await anext(events)
        goes_on.set()

    assert first == TextDelta(text="我")


async def test_small_talk_is_not_searched_for() -> None:
    search = ScriptedSearch(certain(BANGING))
    model = ScriptedLanguageModel([saying("您好！")])

    events = await events_of(model, search, replace(ASKED, question="你好"))

    assert shown(events) == "您好！"
    assert search.questions == []


async def test_text_is_held_back_while_the_search_is_under_way() -> None:
    search = SearchInHand(certain(BANGING))
    model = ScriptedLanguageModel([saying("多陪陪他。", "再看看。"), GROUNDED])
    turn = asyncio.create_task(events_of(model, search))

    while not model.open_streams:
        await asyncio.sleep(0)
    search.done.set()
    events = await turn

    assert not [event for event in events if isinstance(event, Restarted)]
    assert shown(events) == "抱住他。"


@pytest.mark.parametrize(
    ("limits", "reply"),
    [
        pytest.param(replace(PATIENT, hold_back_seconds=0), "多陪", id="time"),
        pytest.param(replace(PATIENT, hold_back_characters=8), "多陪陪他，再看看", id="characters"),
    ],
)
async def test_text_held_back_long_enough_is_shown_and_taken_back_later(
    limits: TurnLimits, reply: str
) -> None:
    search = SearchInHand(certain(BANGING))
    goes_on = asyncio.Event()
    model = ScriptedLanguageModel([[TextDelta(text=reply), goes_on, *saying("。")], GROUNDED])

    async with aclosing(run_turn(replace(ASKED, limits=limits), search, model)) as events:
        first = await anext(events)
        search.done.set()
        goes_on.set()
        rest = [event async for event in events]

    assert first == TextDelta(text=reply)
    assert Restarted(keep=0, why="ungrounded") in rest
    assert shown([first, *rest]) == "抱住他。"


async def test_text_that_must_not_stand_is_replaced_by_the_experts_where_the_model_fails() -> None:
    search = SearchInHand(replace(clear(BANGING), certain=True))
    goes_on = asyncio.Event()
    failing: list[Step] = [UpstreamError("upstream_reset")]
    model = ScriptedLanguageModel(
        [[TextDelta(text="多陪"), goes_on, *saying("。")], failing, failing]
    )
    request = replace(ASKED, limits=replace(PATIENT, hold_back_seconds=0))

    async with aclosing(run_turn(request, search, model)) as events:
        first = await anext(events)
        search.done.set()
        goes_on.set()
        rest = [event async for event in events]

    assert "多陪" not in shown([first, *rest])
    assert BANGING.source.text in shown([first, *rest])
    assert outcome_of(rest).sources == (BANGING.source,)


async def test_text_that_cannot_be_taken_back_stands() -> None:
    search = SearchInHand(certain(BANGING))
    goes_on = asyncio.Event()
    model = ScriptedLanguageModel([[TextDelta(text="多陪陪"), goes_on, *saying("他。")]])
    limits = replace(PATIENT, hold_back_seconds=0)
    request = replace(ASKED, limits=limits, revisable=False)

    async with aclosing(run_turn(request, search, model)) as events:
        first = await anext(events)
        search.done.set()
        goes_on.set()
        rest = [event async for event in events]

    assert shown([first, *rest]) == "多陪陪他。"
    assert outcome_of(rest).missed_calls == 0


async def test_what_was_said_before_the_overruled_round_is_kept() -> None:
    bad: list[Step] = [TextDelta(text="我看看"), calling("{"), CALLED]
    model = ScriptedLanguageModel([bad, saying("多陪陪他。"), GROUNDED])

    events = await events_of(model, ScriptedSearch(certain(BANGING)))

    assert shown(events) == "我看看\n\n抱住他。"


async def test_certain_answer_that_is_verbatim_is_quoted_at_once() -> None:
    emergency = answer("孩子抽搐", "请马上拨打120！", verbatim=True)
    found = replace(clear(emergency), certain=True)
    model = ScriptedLanguageModel([saying("别急。")])

    events = await events_of(model, ScriptedSearch(found))

    assert shown(events) == "请马上拨打120！"
    assert outcome_of(events).grounding == "verbatim"
    assert len(model.requests) == 1


async def test_visitors_own_words_count_where_the_models_question_finds_nothing() -> None:
    model = ScriptedLanguageModel([searching("量子力学"), GROUNDED])

    events = await events_of(model, SearchOf({QUESTION: certain(BANGING)}))

    assert outcome_of(events).sources == (BANGING.source,)


async def test_broken_search_leaves_the_model_alone() -> None:
    model = ScriptedLanguageModel([saying("您好，", "请说。")])

    events = await events_of(model, UnavailableSearch())

    assert shown(events) == "您好，请说。"


async def test_model_that_forgets_for_ever_ends_in_the_experts_words() -> None:
    model = ScriptedLanguageModel(repeat([calling("", tool="sing"), CALLED]))

    events = await events_of(model, ScriptedSearch(replace(clear(BANGING), certain=True)))

    assert BANGING.source.text in shown(events)
    assert outcome_of(events).sources == (BANGING.source,)


async def test_closing_a_turn_that_holds_text_back_closes_everything() -> None:
    search = SearchInHand(certain(BANGING))
    model = ScriptedLanguageModel([[TextDelta(text="多"), asyncio.Event()]])
    turn = asyncio.create_task(events_of(model, search))
    while not model.open_streams:
        await asyncio.sleep(0)

    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)

    assert model.open_streams == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
