"""Marks of citations and links of a model's own making never reach the visitor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.turn.reply_filter import ReplyFilter, hosts_in


def filtered(*pieces: str, answers: int = 3, hosts: tuple[str, ...] = ()) -> tuple[str, list[int]]:
    """What is shown of a text that came in these pieces, and the numbers it cites."""
    reply = ReplyFilter(answers=answers, hosts=frozenset(hosts))
    shown = "".join([reply.add(piece) for piece in pieces]) + reply.end()
    return shown, reply.cited


@pytest.mark.parametrize(
    ("text", "shown", "cited"),
    [
        ("抱住他[1]。", "抱住他。", [1]),
        ("Hold him [2].", "Hold him.", [2]),
        ("Hold him [1][3]!", "Hold him!", [1, 3]),
        ("抱住他【1】", "抱住他", [1]),
        ("抱住他[1, 2]。", "抱住他。", [1, 2]),
        ("抱住他[1、3]。", "抱住他。", [1, 3]),
        ("没有回答[0]。", "没有回答。", [0]),
        ("见[99]。", "见。", [99]),
        ("[1]", "", [1]),
        ("清单[甲]", "清单[甲]", []),
        ("在 2020 [年]", "在 2020 [年]", []),
        ("a [ b", "a [ b", []),
        ("[[1]]", "[]", [1]),
    ],
)
def test_marks_are_noted_and_left_out(text: str, shown: str, cited: list[int]) -> None:
    assert filtered(text) == (shown, cited)


def test_number_in_brackets_is_no_mark_where_there_is_nothing_to_cite() -> None:
    assert filtered("第[1]步", answers=0) == ("第[1]步", [])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("见 https://evil.example/?q=1。", "见 。"),
        ("见https://evil.example/a，再说", "见，再说"),
        ("see https://evil.example/a. Then", "see . Then"),
        ("[这里](https://evil.example/x)", "这里"),
        ("[1](https://evil.example)", "1"),
        ("![图](https://evil.example/i.png)", "图"),
        ('[这里](https://evil.example "标题")', "这里"),
        ("<https://evil.example>", ""),
        ("HTTPS://EVIL.EXAMPLE", ""),
        ("www.evil.example", ""),
        ("[x](//evil.example)", "x"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("[x](data:text/html,1)", "x"),
        ("https://good.example@evil.example/", ""),
        ("https://good.example.evil.example/", ""),
    ],
)
def test_links_lead_nowhere_else(text: str, shown: str) -> None:
    assert filtered(text, hosts=("good.example",))[0] == shown


@pytest.mark.parametrize(
    "text",
    [
        "见 https://good.example/a?b=1。",
        "[这里](https://good.example/a)",
        "<https://good.example>",
        "[写信](mailto:li@good.example)",
        "[电话](tel:120)",
        "a h w ht www http: https",
        "what! why? [ok]",
    ],
)
def test_the_rest_is_left_as_it_is(text: str) -> None:
    assert filtered(text, hosts=("good.example",))[0] == text


def test_text_is_not_held_longer_than_it_must() -> None:
    reply = ReplyFilter(answers=3, hosts=frozenset())

    assert reply.add("抱住他") == "抱住他"
    assert reply.add("。[") == "。"
    assert reply.add("注意") == ""
    assert reply.add("]安全") == "[注意]安全"


def test_bracket_that_never_closes_is_let_go() -> None:
    reply = ReplyFilter(answers=3, hosts=frozenset())

    shown = reply.add("[") + reply.add("长" * 400)

    assert shown == "[" + "长" * 400


WORDS = "抱住他 [1] [ ] ( ) 1 https:// evil.example good.example 。 www. h t ! 【 】 < >".split()
PIECES = st.sampled_from([*WORDS, " ", "\n", "[x](https://evil.example)"])


@given(st.lists(PIECES, max_size=12), st.data())
def test_it_does_not_matter_how_the_text_is_cut(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    assert filtered(*parts, hosts=("good.example",)) == filtered(text, hosts=("good.example",))


@given(st.lists(PIECES, max_size=12))
def test_no_address_of_a_foreign_host_is_shown(pieces: list[str]) -> None:
    shown, _ = filtered("".join(pieces), hosts=("good.example",))

    assert hosts_in(shown) <= {"good.example"}


@pytest.mark.parametrize("bomb", ["[", "![", "[a](", "http://", "h", " ", "<", "【", "[1"])
def test_bombs_pass_in_good_time(bomb: str) -> None:
    text = bomb * (200_000 // len(bomb))

    shown, _ = filtered(text)

    assert len(shown) <= len(text)
