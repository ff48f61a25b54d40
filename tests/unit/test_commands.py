"""What a client may send, frame by frame, and the code that refuses everything else."""

import json
from collections.abc import Mapping
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat.commands import (
    MAX_COMMENT,
    MAX_FRAME_BYTES,
    MAX_TEXT,
    Command,
    CommandError,
    GiveFeedback,
    Notify,
    Pong,
    Regenerate,
    Send,
    Stop,
    Subscribe,
    TurnPosition,
    Unsubscribe,
    parse_command,
)
from chat.frame_errors import SENTENCES
from chat.strict_json import MAX_INTEGER, MAX_KEYS
from chat.turn.cursor import Cursor
from chat.turn.events import JsonValue

ID = "0197a1b2-0000-7000-8000-000000000001"
CONVERSATION = "0197a1b2-0000-7000-8000-000000000002"
MESSAGE = "0197a1b2-0000-7000-8000-000000000003"
TURN = "0197a1b2-0000-7000-8000-000000000004"

Frame = Mapping[str, JsonValue]

SEND: Frame = {
    "type": "send",
    "id": ID,
    "conversation": CONVERSATION,
    "text": "孩子总是撞头怎么办?",
}
REGENERATE: Frame = {"type": "regenerate", "id": ID, "message": MESSAGE}
STOP: Frame = {"type": "stop", "turn": TURN}
SUBSCRIBE: Frame = {
    "type": "subscribe",
    "conversation": CONVERSATION,
    "rev": 41,
    "turn": {"id": TURN, "cursor": "1-57"},
}
UNSUBSCRIBE: Frame = {"type": "unsubscribe", "conversation": CONVERSATION}
FEEDBACK: Frame = {"type": "feedback", "id": ID, "message": MESSAGE, "value": "up"}
NOTIFY: Frame = {"type": "notify", "id": ID, "message": MESSAGE, "wanted": True}
PONG: Frame = {"type": "pong", "k": 12}
FRAMES = (SEND, REGENERATE, STOP, SUBSCRIBE, UNSUBSCRIBE, FEEDBACK, NOTIFY, PONG)


def parsed(frame: Frame, **changes: JsonValue) -> Command:
    return parse_command(json.dumps({**frame, **changes}))


def sent_text(text: str) -> str:
    command = parsed(SEND, text=text)
    assert isinstance(command, Send)
    return command.text


def refusal(frame: str) -> str | None:
    """What a frame is refused with, or None if it is obeyed."""
    try:
        parse_command(frame)
    except CommandError as error:
        return error.code
    return None


def refused(frame: Frame, **changes: JsonValue) -> str | None:
    return refusal(json.dumps({**frame, **changes}))


def of_size(size: int, filling: str = "x") -> str:
    """A `send` of so many bytes, most of them text."""
    empty = json.dumps({**SEND, "text": ""}, ensure_ascii=False)
    room = size - len(empty.encode())
    count, rest = divmod(room, len(filling.encode()))
    return json.dumps({**SEND, "text": filling * count + "x" * rest}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("frame", "command"),
    [
        (
            SEND,
            Send(
                id=UUID(ID),
                conversation=UUID(CONVERSATION),
                text="孩子总是撞头怎么办?",
                parent=None,
                continues=True,
            ),
        ),
        (REGENERATE, Regenerate(id=UUID(ID), message=UUID(MESSAGE))),
        (STOP, Stop(turn=UUID(TURN), send=None)),
        (
            SUBSCRIBE,
            Subscribe(
                conversation=UUID(CONVERSATION),
                rev=41,
                turn=TurnPosition(id=UUID(TURN), cursor=Cursor(1, 57)),
            ),
        ),
        (UNSUBSCRIBE, Unsubscribe(conversation=UUID(CONVERSATION))),
        (
            FEEDBACK,
            GiveFeedback(id=UUID(ID), message=UUID(MESSAGE), value="up", reason="", comment=""),
        ),
        (NOTIFY, Notify(id=UUID(ID), message=UUID(MESSAGE), wanted=True)),
        (PONG, Pong(k=12)),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_frame_is_read_as_its_command(frame: Frame, command: Command) -> None:
    assert parsed(frame) == command


def test_every_command_has_a_frame_here() -> None:
    assert {type(parsed(frame)) for frame in FRAMES} == set(get_args(Command))


@pytest.mark.parametrize(
    ("parent", "read", "continues"),
    [
        pytest.param({"parent": None}, None, False, id="the first message"),
        pytest.param({"parent": MESSAGE}, UUID(MESSAGE), False, id="below another"),
        pytest.param({}, None, True, id="not named"),
    ],
)
def test_parent_is_read_where_it_is_named(
    parent: Frame,
    read: UUID | None,
    continues: bool,  # noqa: FBT001
) -> None:
    command = parsed(SEND, **parent)

    assert isinstance(command, Send)
    assert (command.parent, command.continues) == (read, continues)


def test_stop_may_name_the_send_instead_of_the_turn() -> None:
    assert parse_command(json.dumps({"type": "stop", "send": ID})) == Stop(turn=None, send=UUID(ID))


def test_subscriber_who_has_nothing_names_neither_revision_nor_turn() -> None:
    nothing = Subscribe(conversation=UUID(CONVERSATION), rev=0, turn=None)

    assert parsed({"type": "subscribe", "conversation": CONVERSATION}) == nothing
    assert parsed(SUBSCRIBE, rev=0, turn=None) == nothing


@pytest.mark.parametrize("value", ["up", "down", "none"])
@pytest.mark.parametrize("reason", ["wrong", "unclear", "incomplete", "unsafe", "other", ""])
def test_feedback_may_say_why(value: str, reason: str) -> None:
    comment = "x" * MAX_COMMENT

    command = parsed(FEEDBACK, value=value, reason=reason, comment=comment)

    assert isinstance(command, GiveFeedback)
    assert (command.value, command.reason, command.comment) == (value, reason, comment)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param("", "bad_json", id="empty frame"),
        pytest.param("{", "bad_json", id="cut off"),
        pytest.param('{"type":"pong","k":1}x', "bad_json", id="something after"),
        pytest.param("{'type':'pong'}", "bad_json", id="single quotes"),
        pytest.param('{"type":"pong","k":01}', "bad_json", id="leading zero"),
        pytest.param('{"text":"\n"}', "bad_json", id="raw line end in a string"),
        pytest.param("\ufeff{}", "bad_json", id="byte order mark"),
        pytest.param("[]", "not_object", id="list"),
        pytest.param('"x"', "not_object", id="string"),
        pytest.param("42", "not_object", id="number"),
        pytest.param("null", "not_object", id="null"),
        pytest.param("true", "not_object", id="true"),
        pytest.param("[" * MAX_FRAME_BYTES, "too_deep", id="bracket bomb"),
        pytest.param('{"a":' * 3_000, "too_deep", id="object bomb"),
        pytest.param("[" * 100_000, "too_large", id="100,000 brackets"),
        pytest.param('{"k":NaN}', "bad_number", id="NaN"),
        pytest.param('{"k":-Infinity}', "bad_number", id="-Infinity"),
        pytest.param('{"k":1e999}', "bad_number", id="1e999"),
        pytest.param('{"k":%s}' % ("9" * 5_000), "bad_number", id="5,000 digits"),
        pytest.param('{"k":-%s}' % ("9" * 5_000), "bad_number", id="-5,000 digits"),
        pytest.param('{"type":"ping","type":"send"}', "duplicate_key", id="type twice"),
        pytest.param(
            '{"type":"subscribe","turn":{"id":1,"id":2}}', "duplicate_key", id="inner key twice"
        ),
        pytest.param("{}", "unknown_type", id="no type"),
        pytest.param('{"type":"ping"}', "unknown_type", id="server's type"),
        pytest.param('{"type":["send"]}', "unknown_type", id="list as type"),
        pytest.param('{"type":null}', "unknown_type", id="null as type"),
    ],
)
def test_bad_frame_is_refused_with_its_code(frame: str, code: str) -> None:
    assert refusal(frame) == code


@pytest.mark.parametrize(
    ("frame", "changes", "code"),
    [
        pytest.param(SEND, {"role": "system"}, "unknown_field", id="role"),
        pytest.param(SEND, {"owner": 1}, "unknown_field", id="owner"),
        pytest.param(SEND, {"model": "gpt-x"}, "unknown_field", id="model"),
        pytest.param(SEND, {"is_staff": True}, "unknown_field", id="is_staff"),
        pytest.param(PONG, {"id": ID}, "unknown_field", id="another command's field"),
        pytest.param(SEND, {"id": None}, "bad_id", id="no id"),
        pytest.param(SEND, {"id": 5}, "bad_id", id="number as id"),
        pytest.param(SEND, {"id": ID.replace("-", "")}, "bad_id", id="id without dashes"),
        pytest.param(SEND, {"id": f"{{{ID}}}"}, "bad_id", id="id in braces"),
        pytest.param(SEND, {"id": f"{ID}\n"}, "bad_id", id="id and a line end"),
        pytest.param(SEND, {"id": "1" * 7 + "１" + ID[8:]}, "bad_id", id="wide digit in id"),
        pytest.param(SEND, {"conversation": None}, "bad_id", id="no conversation"),
        pytest.param(SEND, {"parent": "x"}, "bad_id", id="bad parent"),
        pytest.param(STOP, {"turn": None}, "bad_id", id="stop what"),
        pytest.param(STOP, {"send": ID}, "bad_id", id="stop both"),
        pytest.param(SEND, {"text": None}, "empty", id="no text"),
        pytest.param(SEND, {"text": 5}, "bad_text", id="number as text"),
        pytest.param(SEND, {"text": ["x"]}, "bad_text", id="list as text"),
        pytest.param(SUBSCRIBE, {"rev": -1}, "bad_number", id="negative revision"),
        pytest.param(SUBSCRIBE, {"rev": 1.0}, "bad_number", id="fraction"),
        pytest.param(SUBSCRIBE, {"rev": True}, "bad_number", id="true as number"),
        pytest.param(SUBSCRIBE, {"rev": "1"}, "bad_number", id="text as number"),
        pytest.param(SUBSCRIBE, {"rev": None}, "bad_number", id="no number"),
        pytest.param(SUBSCRIBE, {"turn": "1-57"}, "bad_cursor", id="cursor alone"),
        pytest.param(SUBSCRIBE, {"turn": {"id": TURN}}, "bad_cursor", id="no cursor"),
        pytest.param(
            SUBSCRIBE, {"turn": {"id": TURN, "cursor": "-1-5"}}, "bad_cursor", id="negative cursor"
        ),
        pytest.param(
            SUBSCRIBE, {"turn": {"id": TURN, "cursor": 157}}, "bad_cursor", id="number as cursor"
        ),
        pytest.param(
            SUBSCRIBE, {"turn": {"id": "x", "cursor": "1-57"}}, "bad_id", id="bad turn in a cursor"
        ),
        pytest.param(
            SUBSCRIBE,
            {"turn": {"id": TURN, "cursor": "1-57", "attempt": 1}},
            "unknown_field",
            id="unknown field inside",
        ),
        pytest.param(FEEDBACK, {"value": "great"}, "bad_text", id="unknown value"),
        pytest.param(FEEDBACK, {"value": ["up"]}, "bad_text", id="list as value"),
        pytest.param(FEEDBACK, {"reason": "boring"}, "bad_text", id="unknown reason"),
        pytest.param(FEEDBACK, {"comment": None}, "bad_text", id="null as comment"),
        pytest.param(FEEDBACK, {"comment": "x" * (MAX_COMMENT + 1)}, "too_long", id="long comment"),
        pytest.param(NOTIFY, {"wanted": 1}, "bad_text", id="number as wanted"),
        pytest.param(PONG, {"k": None}, "bad_number", id="pong to nothing"),
    ],
)
def test_bad_field_is_refused_with_its_code(frame: Frame, changes: Frame, code: str) -> None:
    assert refused(frame, **changes) == code
    assert code in SENTENCES


@pytest.mark.parametrize("filling", ["答", "😀"], ids=["Chinese", "emoji"])
def test_frame_may_have_16384_bytes(filling: str) -> None:
    frame = of_size(16_384, filling)

    assert len(frame.encode()) == MAX_FRAME_BYTES
    assert isinstance(parse_command(frame), Send)


@pytest.mark.parametrize("filling", ["x", "答", "😀"], ids=["Latin", "Chinese", "emoji"])
def test_frame_of_16385_bytes_is_too_large(filling: str) -> None:
    assert refusal(of_size(16_385, filling)) == "too_large"


def test_nesting_may_be_16_deep_and_no_deeper() -> None:
    deep = '{"type":"send","text":' + "[" * 15 + "]" * 15 + "}"
    deeper = '{"type":"send","text":' + "[" * 16 + "]" * 16 + "}"

    assert refusal(deep) == "bad_id"
    assert refusal(deeper) == "too_deep"


def test_brackets_in_a_text_are_not_nesting() -> None:
    brackets = '[{"' * 100 + "\\"

    assert sent_text(brackets) == brackets


def test_object_may_have_64_keys_and_no_more() -> None:
    keys: dict[str, JsonValue] = {f"key{number}": 0 for number in range(MAX_KEYS)}

    assert refused(keys) == "unknown_type"
    assert refused(keys, one_more=0) == "too_large"


@pytest.mark.parametrize(("k", "code"), [(MAX_INTEGER + 1, "bad_number"), (-1, "bad_number")])
def test_integer_beyond_two_to_the_53_is_refused(k: int, code: str) -> None:
    assert parsed(PONG, k=MAX_INTEGER) == Pong(k=2**53)
    assert refused(PONG, k=k) == code


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x", id="1 character"),
        pytest.param("x" * MAX_TEXT, id="8,192 characters"),
        pytest.param("😀" * 1_000, id="emoji"),
        pytest.param("a\nb\tc", id="line end and tab"),
        pytest.param("a\u202eb", id="bidi control, neutralised on display"),
        pytest.param("👨\u200d👩\u200d👧", id="joined emoji"),
        pytest.param("e" + "\u0301" * 64, id="64 combining marks"),
        pytest.param(("e" + "\u0301" * 64) * 9, id="64 combining marks, again and again"),
        pytest.param("<script>alert(1)</script>", id="markup is words"),
    ],
)
def test_text_is_taken_as_it_is(text: str) -> None:
    assert sent_text(text) == text


def test_text_is_trimmed_before_it_is_measured() -> None:
    assert sent_text(" \n" + "x" * MAX_TEXT + "\u3000\n") == "x" * MAX_TEXT


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param(" \t\n\u3000\u00a0", "empty", id="only space"),
        pytest.param("\u200b\u200c\u200d\u2060\ufeff", "empty", id="only zero-width"),
        pytest.param("\u00ad\u034f\u180e\u2063", "empty", id="only soft hyphens and joiners"),
        pytest.param("\u3164\u115f\uffa0", "empty", id="only Hangul fillers"),
        pytest.param("\U000e0041\U000e0042", "empty", id="only tag characters"),
        pytest.param("\u061c\u17b4\ufff0\U0001bca0", "empty", id="only rarer ones of the kind"),
        pytest.param("\ufe0f\U000e0100", "empty", id="only variation selectors"),
        pytest.param("x" * (MAX_TEXT + 1), "too_long", id="8,193 characters"),
        pytest.param("a\x00b", "bad_text", id="NUL"),
        pytest.param("\ud800", "bad_text", id="half a pair"),
        pytest.param("\ude00\ud83d", "bad_text", id="pair turned round"),
        pytest.param("e" + "\u0301" * 65, "bad_text", id="65 combining marks"),
        pytest.param("e" + "\u0301" * 1_500, "bad_text", id="1,500 combining marks"),
        pytest.param("e" + ("\u0301" * 64 + "\u034f") * 9, "bad_text", id="joined runs"),
        pytest.param("e" + "\u20dd" * 65, "bad_text", id="65 enclosing circles"),
    ],
)
def test_text_that_nobody_can_read_is_refused(text: str, code: str) -> None:
    assert refused(SEND, text=text) == code


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "e" + "\u0301" * 65])
def test_comment_is_held_to_the_same_rules(text: str) -> None:
    assert refused(FEEDBACK, comment=text) == "bad_text"


@pytest.mark.parametrize(
    ("id_", "named"),
    [
        pytest.param(ID, ID, id="good id"),
        pytest.param("<script>", None, id="something else"),
        pytest.param(5, None, id="number"),
    ],
)
def test_refusal_names_the_command_if_it_can(id_: JsonValue, named: str | None) -> None:
    with pytest.raises(CommandError) as caught:
        parsed(SEND, id=id_, role="system")

    assert caught.value.code == "unknown_field"
    assert caught.value.id == named


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(st.text() | st.text(st.sampled_from('{}[]":,\\ u0d8123e.-nulltrue\n')))
@example('{"\\ud800":1}')
@example('"\\')
def test_any_text_raises_a_known_refusal_and_nothing_else(frame: str) -> None:
    assert refusal(frame) in SENTENCES


@given(st.sampled_from(FRAMES), st.data())
def test_field_of_any_shape_raises_a_known_refusal_and_nothing_else(
    frame: Frame, data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(sorted(frame)))
    value = data.draw(json_values)

    assert refusal(json.dumps({**frame, field: value})) in {None, *SENTENCES}
