"""Marks of citations and links of a model's own making never reach the visitor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.turn.reply_filter import ReplyFilter, hosts_in


def filtered(
    *pieces: str, answers: int = 6, hosts: tuple[str, ...] = ("good.example",)
) -> tuple[str, list[int], bool]:
    """What is shown of a text that came in these pieces, what it cites, and whether none fits."""
    cited: list[int] = []
    numbers = frozenset(range(1, answers + 1))
    reply = ReplyFilter(numbers=numbers, hosts=frozenset(hosts), cite=cited.append)
    shown = "".join([reply.add(piece) for piece in pieces]) + reply.end()
    return shown, cited, reply.none_fits


@pytest.mark.parametrize(
    ("text", "shown", "cited"),
    [
        ("抱住他[1]。", "抱住他。", [1]),
        ("Hold him [2].", "Hold him.", [2]),
        ("Hold him [1][3]!", "Hold him!", [1, 3]),
        ("Hold him [1], [3].", "Hold him.", [1, 3]),
        ("抱住[1]、[2]。", "抱住。", [1, 2]),
        ("抱住他【1】", "抱住他", [1]),
        ("抱住他［2］。", "抱住他。", [2]),
        ("抱住他[1, 2]。", "抱住他。", [1, 2]),
        ("抱住他[1、3]。", "抱住他。", [1, 3]),
        ("抱住他[1-3]。", "抱住他。", [1, 2, 3]),
        ("抱住他【2†source】。", "抱住他。", [2]),
        ("抱住他[答案2]。", "抱住他。", [2]),
        ("**抱住他[1]**", "**抱住他**", [1]),
        ("抱住他[1]\n\n再看", "抱住他\n\n再看", [1]),
        ("[1]", "", [1]),
        ("见[99]。", "见[99]。", []),
        ("见[1,99]。", "见[1,99]。", []),
        ("见[1][99]。", "见[99]。", [1]),
        ("见[98], [99]。", "见[98], [99]。", []),
        ("年龄在[3,6]岁之间", "年龄在[3,6]岁之间", []),
        ("儿童[2]岁", "儿童[2]岁", []),
        ("[1] First\n[2] Second", "[1] First\n[2] Second", []),
        ("`a[0]` is code", "`a[0]` is code", []),
        ("清单[甲]", "清单[甲]", []),
        ("- [ ] 任务\n- [x] 做了", "- [ ] 任务\n- [x] 做了", []),
        ("a [ b", "a [ b", []),
    ],
)
def test_marks_are_noted_and_left_out(text: str, shown: str, cited: list[int]) -> None:
    assert filtered(text)[:2] == (shown, cited)


@pytest.mark.parametrize(
    ("text", "none_fits"),
    [
        ("没有回答[0]。", True),
        ("[0]", True),
        ("[0]\n", True),
        ("专家还没有回答。 [0]", True),
        ("没有[0]。但是可以这样做。", False),
        ("可以这样做[1]。", False),
        ("可以这样做。", False),
    ],
)
def test_zero_at_the_end_says_that_none_fits(text: str, none_fits: bool) -> None:  # noqa: FBT001
    assert filtered(text)[2] is none_fits


def test_number_in_brackets_is_no_mark_where_there_is_nothing_to_cite() -> None:
    assert filtered("第[1]。", answers=0) == ("第[1]。", [], False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("见 https://evil.example/?q=1。", "见 …。"),
        ("见https://evil.example/a，再说", "见…，再说"),
        ("see https://evil.example/a. Then", "see …. Then"),
        ("[这里](https://evil.example/x)", "这里"),
        ("[1](https://evil.example)", "1 "),
        ("![图](https://evil.example/i.png)", "图"),
        ('[这里](https://evil.example "标题")', "这里"),
        ("[wiki](https://evil.example/A_(b))", "wiki "),
        ("<https://evil.example>", "…"),
        ("HTTPS://EVIL.EXAMPLE", "…"),
        ("www.evil.example", "…"),
        ("[x](//evil.example)", "x "),
        ("https://good.example@evil.example/", "…"),
        ("https://good.example.evil.example/", "…"),
        ("ht\u202atps://evil.example", "…"),
    ],
)
def test_addresses_lead_nowhere_else(text: str, shown: str) -> None:
    assert filtered(text)[0] == shown


@pytest.mark.parametrize(
    "text",
    [
        "htt[2]ps://evil.example/x",
        "ht<https://evil.example>tps://evil.example/y",
        "[ht](https://evil.example)tps://evil.example/z",
    ],
)
def test_what_is_taken_out_joins_nothing_to_an_address(text: str) -> None:
    assert hosts_in(filtered(text)[0]) == set()


@pytest.mark.parametrize(
    "text",
    [
        "见 https://good.example/a?b=1。",
        "[这里](https://good.example/a)",
        "[这里](https://www.good.example/a_(b))",
        "see www.good.example/x. ok",
        "<https://good.example>",
        "[写信](mailto:li@good.example)",
        "[电话](tel:120)",
        "a h w ht www http: https",
        "what! why? [ok]",
        "[text](relative)",
    ],
)
def test_the_rest_is_left_as_it_is(text: str) -> None:
    assert filtered(text)[0] == text


def test_text_is_not_held_longer_than_it_must() -> None:
    reply = ReplyFilter(numbers={1}, hosts=frozenset(), cite=lambda _: None)

    assert reply.add("抱住他") == "抱住他"
    assert reply.add("。[") == "。"
    assert reply.add("注意") == ""
    assert reply.add("]安全") == "[注意]安全"


def test_bracket_that_never_closes_is_let_go() -> None:
    reply = ReplyFilter(numbers={1}, hosts=frozenset(), cite=lambda _: None)

    shown = reply.add("[") + reply.add("长" * 400)

    assert shown == "[" + "长" * 400


WORDS = "抱住他 [1] [ ] ( ) 1 https:// evil.example good.example 。 www. h t ! 【 】 < >".split()
PIECES = st.sampled_from([*WORDS, " ", "\n", "[x](https://evil.example)"])


@given(st.lists(PIECES, max_size=12), st.data())
def test_it_does_not_matter_how_the_text_is_cut(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    assert filtered(*parts) == filtered(text)


@given(st.lists(PIECES, max_size=12))
def test_no_address_of_a_foreign_host_is_shown(pieces: list[str]) -> None:
    assert hosts_in(filtered("".join(pieces))[0]) <= {"good.example"}


@pytest.mark.parametrize(
    "bomb", ["[", "![", "[a](", "[a](x", "http://", "h", " ", "<", "【", "[1", "[1]", "[1],", "w("]
)
def test_bombs_are_passed_whole_or_shortened(bomb: str) -> None:
    text = bomb * (200_000 // len(bomb))

    assert len(filtered(text)[0]) <= len(text)
