"""A provider that fails in the middle of a turn: tried again once, and nothing is shown twice."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from itertools import repeat

import pytest

from chat.llm.scripted import ScriptedLanguageModel, Step, calling, saying, searching
from chat.turn.events import Notice, Outcome, Restarted, TextDelta, TurnEvent, Usage
from chat.turn.language_model import RoundFinished, UpstreamError
from chat.turn.loop import run_turn
from chat.turn.prompt import CHINESE
from chat.turn.record import TurnRecord
from chat.turn.request import TurnLimits, TurnRequest
from chat.turn.usage import tokens
from tests.experts import ScriptedSearch, answer, clear

BANGING = answer("孩子撞头怎么办")
LIMITS = TurnLimits(retry_pause_seconds=0, retry_seconds=1)
ASKED = TurnRequest(question="孩子总是撞头怎么办？", texts=CHINESE, limits=LIMITS)
LIMIT_SECONDS = 5
RESET = UpstreamError("upstream_reset")


async def events_of(model: ScriptedLanguageModel, request: TurnRequest = ASKED) -> list[TurnEvent]:
    async with aclosing(run_turn(request, ScriptedSearch(clear(BANGING)), model)) as events:
        return [event async for event in events]


def outcome_of(events: list[TurnEvent]) -> Outcome:
    assert isinstance(events[-1], Outcome)
    return events[-1]


async def until(fact: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not fact():
            await asyncio.sleep(0)


def broken(*said: str) -> list[Step]:
    return [*(TextDelta(text=text) for text in said), RESET]


async def test_failure_before_the_first_word_is_not_seen() -> None:
    model = ScriptedLanguageModel([broken(), saying("您好。")])

    events = await events_of(model)

    assert events[:2] == [Notice(code="upstream_reset"), TextDelta(text="您好。")]
    assert outcome_of(events).status == "done"


async def test_failure_after_the_first_word_begins_the_reply_anew() -> None:
    model = ScriptedLanguageModel([broken("先抱", "住"), saying("抱住他。")])

    events = await events_of(model)

    assert events[:5] == [
        TextDelta(text="先抱"),
        TextDelta(text="住"),
        Notice(code="upstream_reset"),
        Restarted(keep=0, why="upstream"),
        TextDelta(text="抱住他。"),
    ]
    assert outcome_of(events).status == "done"


async def test_text_is_taken_back_only_for_other_text() -> None:
    model = ScriptedLanguageModel([broken("先抱住他"), broken()])

    events = await events_of(model)

    assert not [event for event in events if isinstance(event, Restarted)]
    assert outcome_of(events).status == "failed"
    assert outcome_of(events).error == "upstream_reset"


async def test_second_failure_after_the_first_word_keeps_what_was_written_last() -> None:
    model = ScriptedLanguageModel([broken("先"), broken("抱住")])

    events = await events_of(model)

    assert events[-2] == TextDelta(text="抱住")
    assert outcome_of(events).status == "failed"
    assert len(model.requests) == 2


async def test_there_is_a_retry_before_the_first_word_and_one_after_it() -> None:
    model = ScriptedLanguageModel([broken(), broken("先"), saying("抱住他。")])

    events = await events_of(model)

    assert outcome_of(events).status == "done"
    assert events[-2] == TextDelta(text="抱住他。")


async def test_retried_round_keeps_what_rounds_before_it_said() -> None:
    first: list[Step] = [TextDelta(text="我查一下😀"), *searching("撞头")]
    model = ScriptedLanguageModel([first, broken("先"), saying("抱住他。")])

    events = await events_of(model)

    assert Restarted(keep=len("我查一下") + 2, why="upstream") in events
    assert events[-2] == TextDelta(text="\n\n抱住他。")


async def test_round_is_asked_for_again_as_it_was() -> None:
    model = ScriptedLanguageModel([searching("撞头"), broken("先"), saying("抱住他。")])

    await events_of(model)

    assert model.requests[1] == model.requests[2]


async def test_refusal_that_will_not_change_is_not_tried_again() -> None:
    refused: list[Step] = [UpstreamError("upstream_error", retryable=False)]
    model = ScriptedLanguageModel([refused])

    events = await events_of(model)

    assert events[0] == Notice(code="upstream_error")
    assert BANGING.source.text in "".join(e.text for e in events if isinstance(e, TextDelta))


async def test_pause_that_a_provider_asks_for_is_told() -> None:
    busy: list[Step] = [UpstreamError("upstream_rate_limited", retry_after_seconds=0.01)]
    model = ScriptedLanguageModel([busy, saying("您好。")])

    events = await events_of(model)

    assert events[0] == Notice(code="upstream_rate_limited", retry_ms=10)


async def test_longer_pause_than_a_visitor_would_wait_is_not_waited_for() -> None:
    busy: list[Step] = [UpstreamError("upstream_rate_limited", retry_after_seconds=3_600)]
    model = ScriptedLanguageModel([busy])

    events = await events_of(model)

    assert events[0] == Notice(code="upstream_rate_limited")
    assert outcome_of(events).sources == (BANGING.source,)


@pytest.mark.parametrize("said", [(), ("先抱住",)], ids=["before a word", "after a word"])
async def test_provider_that_always_fails_is_asked_twice(said: tuple[str, ...]) -> None:
    model = ScriptedLanguageModel(repeat(broken(*said)))

    await events_of(model)

    assert len(model.requests) == 2


async def test_reader_who_cannot_take_text_back_sees_no_second_reply() -> None:
    model = ScriptedLanguageModel([broken("先抱住")])

    events = await events_of(model, replace(ASKED, revisable=False))

    assert [type(event) for event in events] == [TextDelta, Outcome]
    assert outcome_of(events).status == "failed"


async def test_round_without_a_word_is_tried_again_for_such_a_reader_too() -> None:
    model = ScriptedLanguageModel([INTRO, broken(), saying("抱住他。")])

    events = await events_of(model, replace(ASKED, revisable=False))

    assert text_of(events) == "我查一下。\n\n抱住他。"
    assert outcome_of(events).status == "done"


async def test_reply_is_cut_where_it_grows_too_long() -> None:
    model = ScriptedLanguageModel([saying("一二三四五", "六七八九十", "百")])
    request = replace(ASKED, limits=replace(LIMITS, output_tokens=10))

    events = await events_of(model, request)

    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "一二三四五六七八九十"
    assert outcome_of(events).finish == "length"
    assert model.open_streams == 0


async def test_call_that_grows_too_long_is_not_run() -> None:
    model = ScriptedLanguageModel(repeat(searching("长" * 100)))
    request = replace(ASKED, limits=replace(LIMITS, output_tokens=10))

    events = await events_of(model, request)

    assert len(model.requests) <= 2
    assert outcome_of(events).status == "done"


async def test_turn_that_is_ended_early_tells_what_it_came_to() -> None:
    model = ScriptedLanguageModel([searching("撞头"), saying("抱住他", "，别慌。")], name="gpt")
    record = TurnRecord()

    async with aclosing(run_turn(ASKED, ScriptedSearch(clear(BANGING)), model, record)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    stopped = record.broken_off(Outcome(status="stopped"), "抱住他")

    assert stopped.sources == (BANGING.source,)
    assert stopped.model == "gpt"
    assert stopped.prompt_version == CHINESE.version
    assert stopped.usage is not None
    assert stopped.usage.estimated


async def test_round_that_was_broken_off_while_the_model_thought_costs_what_it_was_asked() -> None:
    model = ScriptedLanguageModel([[asyncio.Event()]], name="gpt")
    record = TurnRecord()

    async with aclosing(run_turn(ASKED, ScriptedSearch(clear(BANGING)), model, record)) as events:
        thinking = asyncio.create_task(anext(events))
        await until(lambda: model.open_streams)
        thinking.cancel()
        await asyncio.gather(thinking, return_exceptions=True)
    stopped = record.broken_off(Outcome(status="stopped"), "")

    asked = sum(tokens(message.content) for message in model.requests[0].messages)
    assert stopped.usage == Usage(input_tokens=asked, output_tokens=0, estimated=True)
    assert stopped.model == "gpt"


async def test_round_that_was_refused_costs_nothing() -> None:
    busy: list[Step] = [UpstreamError("upstream_rate_limited", retryable=False)]

    events = await events_of(ScriptedLanguageModel([busy]))

    assert outcome_of(events).usage is None
    assert outcome_of(events).model == ""


async def test_round_after_a_refused_one_counts_alone() -> None:
    model = ScriptedLanguageModel([broken(), saying("您好。")])

    events = await events_of(model)

    asked = sum(tokens(message.content) for message in model.requests[1].messages)
    usage = outcome_of(events).usage
    assert usage == Usage(input_tokens=asked, output_tokens=tokens("您好。"), estimated=True)


def test_turn_that_did_nothing_cost_nothing() -> None:
    stopped = TurnRecord().broken_off(Outcome(status="stopped"), "")

    assert stopped.usage is None
    assert stopped.sources == ()


INTRO: list[Step] = [TextDelta(text="我查一下。"), *searching("撞头")]


def text_of(events: list[TurnEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_words_before_the_search_rest_on_nothing() -> None:
    model = ScriptedLanguageModel([INTRO, broken(), broken()])

    events = await events_of(model)

    assert text_of(events) == "我查一下。"
    assert outcome_of(events).status == "failed"
    assert outcome_of(events).sources == ()
    assert outcome_of(events).grounding == "none"


async def test_model_that_only_says_that_none_fits_leaves_the_word_to_us() -> None:
    model = ScriptedLanguageModel([INTRO, saying("[0]")])

    events = await events_of(model)

    assert text_of(events) == f"我查一下。\n\n{CHINESE.no_answer}"
    assert outcome_of(events).finish == "no_answer"
    assert outcome_of(events).suggestions == (BANGING.source.title,)


async def test_model_that_says_so_in_its_own_words_is_believed() -> None:
    model = ScriptedLanguageModel([searching("撞头"), saying("专家还没有回答过这个。", "[0]")])

    events = await events_of(model)

    assert text_of(events) == "专家还没有回答过这个。"
    assert outcome_of(events).finish == "no_answer"
    assert outcome_of(events).sources == ()


async def test_withheld_reply_is_said_to_be_after_an_introduction_too() -> None:
    model = ScriptedLanguageModel([INTRO, saying(finish="content_filter")])

    events = await events_of(model)

    assert text_of(events) == f"我查一下。\n\n{CHINESE.withheld}"


async def test_call_that_was_cut_off_is_made_good_by_the_experts() -> None:
    cut_off: list[Step] = [calling('{"ques'), RoundFinished(reason="length")]
    model = ScriptedLanguageModel([cut_off, cut_off])

    events = await events_of(model)

    assert BANGING.source.text in text_of(events)
    assert outcome_of(events).sources == (BANGING.source,)


async def test_calls_without_arguments_use_up_the_room_too() -> None:
    many = [calling("", id_=f"call_{number}") for number in range(1_000)]
    model = ScriptedLanguageModel(repeat([*many, RoundFinished(reason="tool_calls")]))
    request = replace(ASKED, limits=replace(LIMITS, output_tokens=100))

    events = await events_of(model, request)

    assert outcome_of(events).sources == (BANGING.source,)
    assert len(model.requests) == 2
