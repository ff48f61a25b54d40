"""A turn with a scripted model: which events come, and what the model is asked."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from itertools import repeat

import pytest

from chat.llm.scripted import ScriptedLanguageModel, Step, calling, saying, searching
from chat.turn.call_runner import MAX_CALLS
from chat.turn.events import (
    Found,
    Notice,
    Outcome,
    Searching,
    TextDelta,
    TurnEvent,
    Usage,
)
from chat.turn.expert_search import ExpertSearch
from chat.turn.language_model import (
    ChatMessage,
    FinishReason,
    LanguageModel,
    RoundFinished,
    RoundUsage,
    UpstreamError,
)
from chat.turn.loop import run_turn
from chat.turn.model_turn import MAX_ROUNDS
from chat.turn.prompt import CHINESE, ENGLISH
from chat.turn.request import TurnLimits, TurnRequest
from chat.turn.toolbox import search_tool
from tests.experts import NOTHING, ScriptedSearch, SearchOf, UnavailableSearch, answer, clear

QUESTION = "孩子总是撞头怎么办？"
LIMITS = TurnLimits(retry_pause_seconds=0)
ASKED = TurnRequest(question=QUESTION, texts=CHINESE, limits=LIMITS)
BANGING = answer("孩子撞头怎么办")
SLEEP = answer("孩子不睡觉怎么办", "睡前一小时关掉屏幕。")
SCHOOL = answer("怎么选学校", "先去看一天。")
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


async def test_call_is_searched_and_then_answered() -> None:
    model = ScriptedLanguageModel([searching("孩子撞头"), saying("抱住他。")])
    search = ScriptedSearch(clear(BANGING, SLEEP))

    events = await events_of(model, search)

    assert events[:3] == [
        Searching(question="孩子撞头"),
        Found(hits=2),
        TextDelta(text="抱住他。"),
    ]
    assert outcome_of(events).grounding == "answer"
    assert outcome_of(events).suggestions == (SLEEP.source.title,)


async def test_second_round_answers_from_the_background() -> None:
    model = ScriptedLanguageModel([searching("孩子撞头"), saying("好")])

    await events_of(model, ScriptedSearch(clear(BANGING)))

    asked = model.requests[1]
    [call], result = asked.messages[-2].tool_calls, asked.messages[-1]
    [background] = json.loads(result.content)["answers"]
    assert asked.messages[0].content == CHINESE.answering
    assert asked.messages[1].content == QUESTION
    assert asked.temperature == 0
    assert (result.role, result.tool_call_id) == ("tool", call.id)
    assert background["answer"] == BANGING.source.text


async def test_models_thoughts_before_a_call_go_back_to_it() -> None:
    called = RoundFinished(reason="tool_calls", reasoning="They ask about banging.")
    model = ScriptedLanguageModel([[calling('{"question": "撞头"}'), called], saying("好")])

    await events_of(model, ScriptedSearch(clear(BANGING)))

    assert model.requests[1].messages[-2].reasoning == "They ask about banging."


async def test_search_that_finds_nothing_is_told_without_a_second_round() -> None:
    model = ScriptedLanguageModel([searching("量子力学")])

    events = await events_of(model, ScriptedSearch(NOTHING))

    assert events[:2] == [Searching(question="量子力学"), Found(hits=0)]
    assert text_of(events) == CHINESE.no_answer
    assert outcome_of(events).finish == "no_answer"
    assert outcome_of(events).grounding == "none"
    assert len(model.requests) == 1


async def test_verbatim_answer_is_quoted_without_a_second_round() -> None:
    words = "请马上拨打120！\n\n1. 让孩子侧卧。\n2. 记下时间……不要塞东西。"
    emergency = answer("抽搐怎么办", words, verbatim=True)
    model = ScriptedLanguageModel([searching("孩子抽搐")])

    events = await events_of(model, ScriptedSearch(clear(emergency, SLEEP)))

    assert text_of(events) == words
    assert outcome_of(events).grounding == "verbatim"
    assert outcome_of(events).sources == (emergency.source,)
    assert len(model.requests) == 1


async def test_parallel_calls_are_searched_in_order() -> None:
    model = ScriptedLanguageModel([searching("撞头", "睡觉"), saying("抱住[1]，关灯[2]。")])
    search = SearchOf({"撞头": clear(BANGING), "睡觉": clear(SLEEP)})

    events = await events_of(model, search)

    results = tool_results(model, 1)
    assert [event.question for event in events if isinstance(event, Searching)] == ["撞头", "睡觉"]
    assert [each.tool_call_id for each in results] == ["call_1", "call_2"]
    assert SLEEP.source.text in results[1].content
    assert outcome_of(events).sources == (BANGING.source, SLEEP.source)


async def test_one_of_two_searches_may_find_nothing() -> None:
    model = ScriptedLanguageModel([searching("量子力学", "撞头"), saying("好")])

    events = await events_of(model, SearchOf({"撞头": clear(BANGING)}))

    assert [event for event in events if isinstance(event, Found)] == [Found(hits=0), Found(hits=1)]
    assert outcome_of(events).finish == "stop"
    assert outcome_of(events).sources == (BANGING.source,)


async def test_answer_found_twice_is_one_source_and_no_suggestion() -> None:
    model = ScriptedLanguageModel([searching("撞头", "撞墙"), saying("好")])

    events = await events_of(model, ScriptedSearch(clear(BANGING, SLEEP)))

    assert outcome_of(events).sources == (BANGING.source,)
    assert outcome_of(events).suggestions == (SLEEP.source.title,)


async def test_second_search_may_follow_the_first() -> None:
    model = ScriptedLanguageModel([searching("撞头"), searching("睡觉"), saying("关灯[2]。")])

    events = await events_of(model, SearchOf({"撞头": clear(BANGING), "睡觉": clear(SLEEP)}))

    roles = [message.role for message in model.requests[2].messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert outcome_of(events).sources == (SLEEP.source,)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(calling('{"question": "撞'), id="cut off"),
        pytest.param(calling(""), id="no arguments"),
        pytest.param(calling("[]"), id="list"),
        pytest.param(calling("{}"), id="no question"),
        pytest.param(calling('{"question": 5}'), id="number"),
        pytest.param(calling('{"question": "  "}'), id="blank"),
        pytest.param(calling('{"question": "\\u0000"}'), id="NUL only"),
        pytest.param(calling('{"question": "撞头", "top_k": 1000000000}'), id="another field"),
        pytest.param(calling("[" * 100_000), id="bracket bomb"),
        pytest.param(calling('{"question": "撞头"}', tool="delete_answers"), id="unknown tool"),
    ],
)
async def test_bad_call_is_told_to_the_model_once(call: Step) -> None:
    model = ScriptedLanguageModel([[call, CALLED], searching("撞头"), saying("好")])
    search = ScriptedSearch(clear(BANGING))

    events = await events_of(model, search)

    [result] = tool_results(model, 1)
    assert list(json.loads(result.content)) == ["error"]
    assert result.tool_call_id == "call_1"
    assert search.questions == [QUESTION, "撞头"]
    assert outcome_of(events).grounding == "answer"


async def test_second_bad_call_searches_for_the_visitors_own_words() -> None:
    bad: list[Step] = [calling("{"), CALLED]
    model = ScriptedLanguageModel([bad, bad, saying("好")])
    search = ScriptedSearch(clear(BANGING))

    events = await events_of(model, search)

    assert search.questions == [QUESTION]
    assert outcome_of(events).sources == (BANGING.source,)


async def test_model_that_calls_for_ever_is_stopped() -> None:
    model = ScriptedLanguageModel(repeat(searching("撞头")))

    events = await events_of(model, ScriptedSearch(clear(BANGING)))

    assert [bool(asked.tools) for asked in model.requests] == [True, True, True, False]
    assert len(model.requests) == MAX_ROUNDS
    assert Notice(code="limit") in events
    assert BANGING.source.text in text_of(events)


async def test_only_eight_calls_are_run() -> None:
    model = ScriptedLanguageModel([searching(*"一二三四五六七八九"), saying("好")])
    search = ScriptedSearch(clear(BANGING))

    await events_of(model, search)

    results = tool_results(model, 1)
    assert search.questions == [QUESTION, *"一二三四五六七八"]
    assert MAX_CALLS == 8
    assert len(results) == 9
    assert "Too many calls" in results[8].content


async def test_provider_that_fails_before_the_first_word_is_replaced_by_the_experts() -> None:
    model = ScriptedLanguageModel(repeat([UpstreamError("upstream_timeout")]))
    search = ScriptedSearch(clear(BANGING))

    events = await events_of(model, search)

    assert events[:4] == [
        Notice(code="upstream_timeout"),
        Notice(code="upstream_timeout"),
        Searching(question=QUESTION),
        Found(hits=1),
    ]
    assert BANGING.source.text in text_of(events)
    assert outcome_of(events).status == "done"
    assert outcome_of(events).sources == (BANGING.source,)


async def test_provider_that_fails_after_the_search_is_replaced_by_the_experts() -> None:
    failing: list[Step] = [UpstreamError("upstream_reset")]
    model = ScriptedLanguageModel([searching("撞头"), failing, failing])

    events = await events_of(model, ScriptedSearch(clear(BANGING)))

    assert Notice(code="upstream_reset") in events
    assert BANGING.source.text in text_of(events)
    assert outcome_of(events).status == "done"


async def test_provider_that_fails_later_leaves_its_text() -> None:
    failing: list[Step] = [TextDelta(text="先抱住"), UpstreamError("upstream_stalled")]
    request = replace(ASKED, revisable=False)

    events = await events_of(ScriptedLanguageModel([failing]), ScriptedSearch(NOTHING), request)

    assert events[0] == TextDelta(text="先抱住")
    assert len(events) == 2
    assert outcome_of(events).status == "failed"
    assert outcome_of(events).error == "upstream_stalled"
    assert outcome_of(events).model == "scripted"


async def test_round_without_its_end_was_cut_off() -> None:
    model = ScriptedLanguageModel([[TextDelta(text="先抱住")]])
    request = replace(ASKED, revisable=False)

    events = await events_of(model, ScriptedSearch(NOTHING), request)

    assert text_of(events) == "先抱住"
    assert outcome_of(events).error == "upstream_truncated"


async def test_cut_off_call_is_not_run() -> None:
    cut_off: list[Step] = [calling('{"question": "撞头"}')]
    model = ScriptedLanguageModel([cut_off, cut_off])
    search = ScriptedSearch(clear(BANGING))

    events = await events_of(model, search)

    assert events[0] == Notice(code="upstream_truncated")
    assert search.questions == [QUESTION]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(saying(), id="nothing"),
        pytest.param(saying(" \n", "\t"), id="only space"),
        pytest.param(saying(finish="length"), id="all tokens spent on thoughts"),
        pytest.param(saying(finish="tool_calls"), id="call announced, none made"),
    ],
)
async def test_empty_reply_is_replaced_by_the_experts(reply: list[Step]) -> None:
    events = await events_of(ScriptedLanguageModel([reply, reply]), ScriptedSearch(clear(BANGING)))

    assert events[0] == Notice(code="upstream_malformed")
    assert BANGING.source.text in text_of(events)


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


async def test_reply_that_was_withheld_is_said_to_be() -> None:
    model = ScriptedLanguageModel([searching("撞头"), saying(finish="content_filter")])

    events = await events_of(model, ScriptedSearch(clear(BANGING)))

    assert text_of(events) == CHINESE.withheld
    assert outcome_of(events).finish == "content_filter"
    assert outcome_of(events).grounding == "none"
    assert outcome_of(events).sources == ()


async def test_unavailable_search_fails_and_nothing_is_invented() -> None:
    model = ScriptedLanguageModel([searching("撞头", "睡觉")])

    events = await events_of(model, UnavailableSearch())

    assert text_of(events) == CHINESE.unavailable
    assert outcome_of(events).status == "failed"
    assert outcome_of(events).error == "internal"
    assert len(model.requests) == 1


async def test_turn_fails_openly_when_model_and_search_are_both_away() -> None:
    model = ScriptedLanguageModel([[UpstreamError("upstream_error", retryable=False)]])

    events = await events_of(model, UnavailableSearch())

    assert events[0] == Notice(code="upstream_error")
    assert text_of(events) == CHINESE.unavailable
    assert outcome_of(events).status == "failed"


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
