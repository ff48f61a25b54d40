"""Putting together tool calls from whatever fragments a provider sends."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.turn.language_model import ToolCall, ToolCallDelta
from chat.turn.tool_calls import ToolCallAssembler

ARGUMENTS = '{"question": "孩子撞头怎么办？"}'
CALL = ToolCall(id="call_a", name="search", arguments=ARGUMENTS)


def assembled(*deltas: ToolCallDelta) -> tuple[ToolCall, ...]:
    assembler = ToolCallAssembler()
    for delta in deltas:
        assembler.add(delta)
    return assembler.calls()


def fragment(
    arguments: str = "", *, index: int | None = 0, id_: str = "", name: str = ""
) -> ToolCallDelta:
    return ToolCallDelta(index=index, id=id_, name=name, arguments=arguments)


def whole(letter: str, *, index: int | None, id_: str | None = None) -> ToolCallDelta:
    return fragment(
        letter, index=index, id_=f"call_{letter}" if id_ is None else id_, name="search"
    )


def test_round_without_fragments_has_no_calls() -> None:
    assert assembled() == ()


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param([fragment(ARGUMENTS, id_="call_a", name="search")], id="whole"),
        pytest.param(
            [
                fragment(id_="call_a", name="search"),
                fragment(ARGUMENTS[:9]),
                fragment(ARGUMENTS[9:]),
            ],
            id="head, then arguments",
        ),
        pytest.param(
            [fragment(id_="call_a", name="sea"), fragment(name="rch"), fragment(ARGUMENTS)],
            id="name in pieces",
        ),
        pytest.param(
            [fragment(name="search"), fragment(ARGUMENTS, id_="call_a")], id="id after the name"
        ),
        pytest.param(
            [
                fragment(ARGUMENTS[:9], id_="call_a", name="search"),
                fragment(ARGUMENTS[9:], id_="call_a", name="search"),
            ],
            id="id and name repeated",
        ),
        pytest.param(
            [
                fragment(index=None, id_="call_a", name="search"),
                fragment(ARGUMENTS[:9], index=None),
                fragment(ARGUMENTS[9:], index=None),
            ],
            id="no index",
        ),
        pytest.param(
            [
                fragment(ARGUMENTS[:9], index=None, id_="call_a", name="search"),
                fragment(ARGUMENTS[9:], index=None, id_="call_a"),
            ],
            id="no index, id repeated",
        ),
        pytest.param(
            [fragment(index=7, id_="call_a", name="search"), fragment(ARGUMENTS, index=7)],
            id="first index is not 0",
        ),
    ],
)
def test_fragments_of_one_call_make_one_call(deltas: list[ToolCallDelta]) -> None:
    assert assembled(*deltas) == (CALL,)


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param([whole("a", index=0), whole("b", index=1)], id="two indexes"),
        pytest.param([whole("a", index=0), whole("b", index=0)], id="one index, two ids"),
        pytest.param([whole("a", index=None), whole("b", index=None)], id="no index, two ids"),
        pytest.param(
            [
                fragment(index=0, id_="call_a", name="search"),
                fragment(index=1, id_="call_b", name="search"),
                fragment("b", index=1),
                fragment("a", index=0),
            ],
            id="interleaved",
        ),
    ],
)
def test_two_calls_stay_two(deltas: list[ToolCallDelta]) -> None:
    assert assembled(*deltas) == (
        ToolCall(id="call_a", name="search", arguments="a"),
        ToolCall(id="call_b", name="search", arguments="b"),
    )


def test_later_fragments_of_an_index_belong_to_its_last_call() -> None:
    calls = assembled(whole("a", index=0), whole("b", index=0), fragment("c", index=0))

    assert [call.arguments for call in calls] == ["a", "bc"]


def test_name_after_arguments_begins_a_call_where_there_is_no_index() -> None:
    calls = assembled(whole("a", index=None, id_=""), whole("b", index=None, id_=""))

    assert [call.arguments for call in calls] == ["a", "b"]
    assert [call.id for call in calls] == ["call_0", "call_1"]


def test_repeated_id_is_made_unique() -> None:
    calls = assembled(whole("a", index=0, id_="x"), whole("b", index=1, id_="x"))

    assert [call.id for call in calls] == ["x", "call_0"]


@given(
    cuts=st.sets(st.integers(0, len(ARGUMENTS))),
    index=st.sampled_from([None, 0, 3]),
    repeats_id=st.booleans(),
)
def test_arguments_may_be_split_anywhere(
    cuts: set[int],
    index: int | None,
    repeats_id: bool,  # noqa: FBT001
) -> None:
    edges = [0, *sorted(cuts), len(ARGUMENTS)]
    pieces = [ARGUMENTS[start:end] for start, end in pairwise(edges)]
    id_ = "call_a" if repeats_id else ""

    calls = assembled(
        fragment(index=index, id_="call_a", name="search"),
        *[fragment(piece, index=index, id_=id_) for piece in pieces],
    )

    assert calls == (CALL,)


def test_replaced_id_is_no_other_calls_id() -> None:
    calls = assembled(whole("a", index=0, id_="call_0"), whole("b", index=1, id_=""))

    assert [call.id for call in calls] == ["call_0", "call_1"]


def test_same_call_twice_is_one() -> None:
    calls = assembled(whole("a", index=0, id_="x"), whole("a", index=1, id_="x"))

    assert [call.id for call in calls] == ["x"]
