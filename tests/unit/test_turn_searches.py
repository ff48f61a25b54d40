"""A scripted model that calls for searches: what is searched, told and shown as sources."""

import json
from itertools import repeat

import pytest

from chat.llm.scripted import ScriptedLanguageModel, Step, calling, saying, searching
from chat.turn.call_runner import MAX_CALLS
from chat.turn.events import Found, Notice, Searching, TextDelta
from chat.turn.language_model import RoundFinished
from chat.turn.model_turn import MAX_ROUNDS
from chat.turn.prompt import CHINESE
from tests.experts import NOTHING, ScriptedSearch, SearchOf, answer, clear
from tests.unit.scripted_turn import (
    BANGING,
    CALLED,
    QUESTION,
    SLEEP,
    events_of,
    outcome_of,
    text_of,
    tool_results,
)


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
