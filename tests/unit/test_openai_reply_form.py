"""What a reply over /v1 looks like: its objects, its footer, and how much history it has."""

import json

import pytest

from chat.openai_api.completion import Completion, event
from chat.openai_api.footer import footer, offered_questions, without_footer
from chat.openai_api.recent_history import MESSAGES, recent
from chat.turn.events import Finish, Outcome, Usage
from chat.turn.language_model import ChatMessage
from tests.experts import answer

COMPLETION = Completion(id="chatcmpl-1", created=1, include_usage=True)
BANGING = answer("孩子撞头怎么办").source
UNNAMED = answer("Sleep", expert="", role="").source
STARRED = answer("*Why*\n<b>now</b>?", expert="Dr. [Li]", role="a_b").source


@pytest.mark.parametrize(
    ("finish", "shown"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("no_answer", "stop"),
    ],
)
def test_finish_is_one_that_clients_know_and_ours_beside_it(finish: Finish, shown: str) -> None:
    chunk = json.loads(event(COMPLETION.closing(Outcome(finish=finish))).removeprefix(b"data: "))

    assert chunk["choices"][0]["finish_reason"] == shown
    assert chunk["expertline"]["finish"] == finish


def test_usage_adds_up_and_is_nothing_without_a_model() -> None:
    usage = Usage(input_tokens=7, output_tokens=4, estimated=False)

    counted = [COMPLETION.usage(Outcome(usage=each))["usage"] for each in (usage, None)]

    assert counted == [
        {"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    ]


@pytest.mark.parametrize("text", ["a\nb\r\nc", "\u2028\u2029\x85", "🙂 你好", 'data: [DONE]\n\n"'])
def test_event_is_one_line_whatever_the_text(text: str) -> None:
    sent = event(COMPLETION.delta(text))

    assert sent.endswith(b"\n\n")
    assert len(sent.decode().splitlines()) == 2
    assert json.loads(sent.removeprefix(b"data: "))["choices"][0]["delta"]["content"] == text


def test_footer_names_expert_role_and_title_in_the_language_of_the_question() -> None:
    chinese, english = footer((BANGING,), "zh-hans"), footer((BANGING, UNNAMED), "en")

    assert chinese == "\n\n---\n\n**回答专家**\n\n- 李医生（儿科医生）：孩子撞头怎么办"
    assert english == ("\n\n---\n\n**Answered by**\n\n- 李医生 (儿科医生): 孩子撞头怎么办\n- Sleep")


def test_footer_needs_sources_and_names_each_once() -> None:
    assert footer((), "en") == ""
    assert footer((BANGING, BANGING), "en").count("\n- ") == 1


def test_names_and_titles_are_no_markup() -> None:
    assert r"- Dr. \[Li\] (a\_b): \*Why\* \<b\>now\</b\>?" in footer((STARRED,), "en")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_footer_comes_off_again(language: str) -> None:
    text = "Two.\n\n---\n\nThree.\n\n- Four."

    assert without_footer(text + footer((BANGING, STARRED), language)) == text
    assert without_footer(text) == text


def test_questions_are_offered_where_there_is_nothing_else() -> None:
    near = Outcome(suggestions=("Why *me*?", "When?"))

    assert offered_questions(near) == "\n\n- Why \\*me\\*?\n- When?"


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(),
        Outcome(grounding="answer", suggestions=("Why?",)),
        Outcome(finish="no_answer", suggestions=("Why?",)),
    ],
)
def test_other_replies_stand_without_suggestions(outcome: Outcome) -> None:
    assert offered_questions(outcome) == ""


def said(*texts: str) -> tuple[ChatMessage, ...]:
    """What user and assistant said in turn."""
    roles = ("user", "assistant")
    return tuple(
        ChatMessage(role=roles[number % 2], content=text)  # type: ignore[arg-type]
        for number, text in enumerate(texts)
    )


def test_history_is_as_much_of_the_latest_as_the_budget_holds() -> None:
    history = said("一" * 50, "二" * 50, "三" * 50, "四" * 50)

    assert recent(history, 1_000) == history
    assert recent(history, 149) == history[2:]
    assert recent(history, 49) == ()


def test_history_begins_with_the_user() -> None:
    history = said("一" * 50, "二" * 50, "三" * 50, "四" * 50)

    assert recent(history, 199) == history[2:]


def test_history_has_so_many_messages() -> None:
    assert len(recent(said(*["一"] * 100), 1_000)) == MESSAGES
