"""Greetings, thanks and goodbyes, and the questions that only begin like them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.turn.small_talk import Kind, kind_of


@pytest.mark.parametrize(
    "text", ["你好", "您好！", "早上好啊", "在吗？", "Hi there", "Ｈｅｌｌｏ", "GOOD MORNING!"]
)
def test_greeting_is_one(text: str) -> None:
    assert kind_of(text) == "greeting"


@pytest.mark.parametrize(
    "text", ["谢谢", "谢谢您！", "非常感谢", "辛苦了", "Thank you so much", "thx"]
)
def test_thanks_are_thanks(text: str) -> None:
    assert kind_of(text) == "thanks"


@pytest.mark.parametrize("text", ["再见", "拜拜~", "下次见", "Goodbye.", "see you later"])
def test_farewell_is_one(text: str) -> None:
    assert kind_of(text) == "farewell"


@pytest.mark.parametrize(
    ("text", "kind"),
    [("你好，谢谢", "greeting"), ("谢谢，再见", "thanks"), ("Bye, thanks", "farewell")],
)
def test_first_of_several_counts(text: str, kind: Kind) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("你好，孩子不睡觉", id="greeting and a question"),
        pytest.param("谢谢医生，那他什么时候会说话？", id="thanks and a question"),
        pytest.param("hi, my son does not sleep", id="English question"),
        pytest.param("孩子不会说再见", id="about farewells"),
        pytest.param("吗", id="particle only"),
        pytest.param("so many", id="fillers only"),
        pytest.param("", id="nothing"),
        pytest.param("？！", id="signs only"),
        pytest.param("👋", id="emoji only"),
        pytest.param("hi " * 14, id="longer than small talk is"),
    ],
)
def test_anything_more_is_a_question(text: str) -> None:
    assert kind_of(text) is None


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert kind_of(text) in {"greeting", "thanks", "farewell", None}
