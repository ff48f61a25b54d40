"""Thoughts in a model's text are left out, however the text is cut; the reply is not touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.llm.thoughts import ThoughtFilter

REPLIES = [
    ("", ""),
    ("您好！", "您好！"),
    ("  \n您好！", "  \n您好！"),
    (" " * 1000, " " * 1000),
    ("<", "<"),
    ("<thin", "<thin"),
    ("<b>bold</b>", "<b>bold</b>"),
    ("<thinking> aloud", "<thinking> aloud"),
    ("Say <think>no</think> more", "Say <think>no</think> more"),
    ("<think></think>", ""),
    ("<think>\n想一想。\n</think>\n\n您好！", "您好！"),
    ("\n<think>a </thin b</think>c  ", "c  "),
    ("<think>a</think>b<think>c</think>", "b<think>c</think>"),
    ("<think>never ending", ""),
    ("<think>never ending </think", ""),
]


def filtered(pieces: list[str]) -> str:
    thoughts = ThoughtFilter()
    return "".join([thoughts.reply_in(piece) for piece in pieces]) + thoughts.end()


@pytest.mark.parametrize(("text", "reply"), REPLIES)
def test_reply_is_what_follows_the_thoughts(text: str, reply: str) -> None:
    assert filtered([text]) == reply


@pytest.mark.parametrize(("text", "reply"), REPLIES)
def test_reply_is_the_same_one_character_at_a_time(text: str, reply: str) -> None:
    assert filtered(list(text)) == reply


@given(st.data(), st.sampled_from(REPLIES))
def test_reply_is_the_same_however_it_is_cut(data: st.DataObject, case: tuple[str, str]) -> None:
    text, reply = case
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))

    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    assert filtered(pieces) == reply


def test_first_word_of_a_reply_without_thoughts_is_not_held_back() -> None:
    assert ThoughtFilter().reply_in("您") == "您"


def test_endless_thoughts_take_no_memory() -> None:
    thoughts = ThoughtFilter()

    for _ in range(1000):
        thoughts.reply_in("<think>" + "x" * 1000)

    assert len(vars(thoughts)["_held"]) < 10
