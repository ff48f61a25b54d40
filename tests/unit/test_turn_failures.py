"""A model, a provider or a search that fails: what the visitor gets instead."""

from dataclasses import replace
from itertools import repeat

import pytest

from chat.llm.scripted import ScriptedLanguageModel, Step, calling, saying, searching
from chat.turn.events import Found, Notice, Searching, TextDelta
from chat.turn.language_model import UpstreamError
from chat.turn.prompt import CHINESE
from tests.experts import NOTHING, ScriptedSearch, UnavailableSearch, clear
from tests.unit.scripted_turn import ASKED, BANGING, QUESTION, events_of, outcome_of, text_of


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
