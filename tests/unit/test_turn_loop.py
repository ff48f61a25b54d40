"""A turn with a scripted model: which events come, and what the model is asked."""

import asyncio
from contextlib import aclosing

import pytest

from chat.llm.scripted import ScriptedLanguageModel, calling, saying, searching
from chat.turn.events import Outcome, TextDelta, Usage
from chat.turn.language_model import ChatMessage, FinishReason, RoundUsage
from chat.turn.loop import run_turn
from chat.turn.prompt import CHINESE, ENGLISH
from chat.turn.request import TurnRequest
from chat.turn.toolbox import search_tool
from tests.experts import NOTHING, ScriptedSearch, clear
from tests.unit.scripted_turn import (
    ASKED,
    BANGING,
    CALLED,
    QUESTION,
    events_of,
    outcome_of,
    text_of,
)


async def test_direct_answer_comes_in_deltas_and_ends_in_an_outcome() -> None:
    usage = RoundUsage(input_tokens=9, output_tokens=2)
    model = ScriptedLanguageModel([[usage, *saying("您好！", "请说。")]], name="gpt")

    events = await events_of(model, ScriptedSearch(NOTHING))

    assert events == [
        TextDelta(text="您好！"),
        TextDelta(text="请说。"),
        Outcome(
            model="gpt",
            usage=Usage(input_tokens=9, output_tokens=2, estimated=False),
            prompt_version=CHINESE.version,
        ),
    ]


async def test_deltas_are_passed_on_while_the_model_still_writes() -> None:
    goes_on = asyncio.Event()
    model = ScriptedLanguageModel([[TextDelta(text="您好"), goes_on, *saying("！")]])

    async with aclosing(run_turn(ASKED, ScriptedSearch(NOTHING), model)) as events:
        first = await anext(events)
        goes_on.set()
        second = await anext(events)

    assert [first, second] == [TextDelta(text="您好"), TextDelta(text="！")]


async def test_first_round_offers_the_search_after_the_history() -> None:
    history = (
        ChatMessage(role="user", content="你好"),
        ChatMessage(role="assistant", content="您好！"),
    )
    model = ScriptedLanguageModel([saying("好")])
    request = TurnRequest(question=QUESTION, texts=CHINESE, history=history)

    await events_of(model, ScriptedSearch(NOTHING), request)

    [asked] = model.requests
    system, *rest = asked.messages
    assert system.content == CHINESE.system.replace("{tool}", "search_expert_answers")
    assert rest == [*history, ChatMessage(role="user", content=QUESTION)]
    assert asked.tools == (search_tool(CHINESE),)
    assert asked.temperature is None


async def test_words_before_a_call_stand_in_a_paragraph_of_their_own() -> None:
    call = calling('{"question": "撞头"}')
    model = ScriptedLanguageModel(
        [[TextDelta(text="我查"), TextDelta(text="一下。"), call, CALLED], saying("抱", "住。")]
    )

    events = await events_of(model, ScriptedSearch(clear(BANGING)))

    assert text_of(events) == "我查一下。\n\n抱住。"
    assert model.requests[1].messages[-2].content == "我查一下。"


async def test_blank_opening_of_a_round_is_not_shown() -> None:
    call = calling('{"question": "撞头"}')
    model = ScriptedLanguageModel(
        [[TextDelta(text="\n\n"), call, CALLED], saying(" ", "\n抱住", " 他。\n")]
    )

    events = await events_of(model, ScriptedSearch(clear(BANGING)))

    assert text_of(events) == "抱住 他。\n"


@pytest.mark.parametrize("finish", ["length", "content_filter"])
async def test_reason_why_the_model_stopped_is_kept(finish: FinishReason) -> None:
    model = ScriptedLanguageModel([saying("先抱住", finish=finish)])

    events = await events_of(model, ScriptedSearch(NOTHING))

    assert text_of(events) == "先抱住"
    assert outcome_of(events).status == "done"
    assert outcome_of(events).finish == finish


async def test_usage_of_all_rounds_is_summed() -> None:
    first = [RoundUsage(input_tokens=100, output_tokens=10), *searching("撞头")]
    second = [*saying("好"), RoundUsage(input_tokens=300, output_tokens=30)]

    events = await events_of(ScriptedLanguageModel([first, second]), ScriptedSearch(clear(BANGING)))

    usage = Usage(input_tokens=400, output_tokens=40, estimated=False)
    assert outcome_of(events).usage == usage


async def test_usage_is_estimated_where_the_provider_is_silent() -> None:
    first = [RoundUsage(input_tokens=100, output_tokens=10), *searching("撞头")]
    model = ScriptedLanguageModel([first, saying("抱住他 okay")])

    usage = outcome_of(await events_of(model, ScriptedSearch(clear(BANGING)))).usage

    assert usage is not None
    assert usage.estimated
    assert usage.output_tokens == 10 + len("抱住他") + 2
    assert usage.input_tokens > 100 + len(CHINESE.answering) // 2


async def test_reply_is_in_the_visitors_language() -> None:
    request = TurnRequest(question="What is quantum theory?", texts=ENGLISH)
    model = ScriptedLanguageModel([searching("quantum theory")])

    events = await events_of(model, ScriptedSearch(NOTHING), request)

    assert text_of(events) == ENGLISH.no_answer
    assert model.requests[0].messages[0].content.startswith(ENGLISH.system[:40])


async def test_closing_the_turn_closes_the_models_stream() -> None:
    model = ScriptedLanguageModel([saying("一", "二", "三")])
    events = run_turn(ASKED, ScriptedSearch(NOTHING), model)

    await anext(events)
    assert model.open_streams == 1
    await events.aclose()

    assert model.open_streams == 0


async def test_reader_who_is_cancelled_closes_the_models_stream() -> None:
    model = ScriptedLanguageModel([[TextDelta(text="一"), asyncio.Event()]])
    events = run_turn(ASKED, ScriptedSearch(NOTHING), model)

    await anext(events)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await anext(events)

    assert model.open_streams == 0


async def test_turn_without_a_model_quotes_the_experts() -> None:
    events = await events_of(None, ScriptedSearch(clear(BANGING)))

    assert BANGING.source.text in text_of(events)
    assert outcome_of(events).model == ""
    assert outcome_of(events).usage is None
