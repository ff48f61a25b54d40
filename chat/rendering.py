"""Markdown to safe HTML, a block at a time, once for all readers.

Raw HTML and images are off in the parser, and what it gives goes through an allow-list of its own
all the same. A block too large to parse in good time, or at which the parser fails, is shown as it
is written. Links to the web lead by way of a page that says where they lead (`chat.leaving`).
"""

import html
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar
from urllib.parse import quote

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from chat.turn.events import Block, JsonValue
from chat.turn.reply_filter import BIDI_CONTROLS, host, hosts_in, plain_host
from chat.turn.utf16 import utf16_cut, utf16_length

logger = logging.getLogger(__name__)
T = TypeVar("T")

LARGEST_BLOCK = 4_000
"""Characters: the parser is slower than linear on hostile text."""
MOST_BRACKETS = 200
"""Opening brackets in a block: each may be a link that ends where the block does."""
LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n|\Z)")
NEW_BLOCK = re.compile(r"\n[ \t\r]*\n(?:[^\s\d*+-]|\*\*)[^\r\n]*\Z")
"""A line begun after a blank one, which will continue nothing, whatever its rest may be."""
LINK = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)
TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li",
    "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}, "ol": {"start"}}
LEAVE = "/leave?to="
KEPT_WORDS = 512
"""Experts' answers whose rendering is kept: the same ones stand below many replies."""
SCHEMES = {"http", "https", "mailto", "tel"}


class Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802
        """Links name their scheme: `//host` looks like a path and leads elsewhere."""
        return LINK.match(url) is not None


# A definition would be used far from where it stands, but blocks are rendered one by one.
_markdown = Markdown("js-default", {"html": False, "linkify": True, "typographer": False})
_markdown.disable(["image", "reference"])
if _markdown.linkify:  # "example.com" in a sentence is a name, no address
    _markdown.linkify.set({"fuzzy_link": False})
_outline = MarkdownIt("js-default", {"html": False})
_outline.disable(["inline", "reference"])


def render(text: str, hosts: frozenset[str] | None = None) -> str:
    """Safe HTML of a whole text, in which links lead to these hosts only (None: to any)."""
    return "".join(block.html for block in blocks_of(text, hosts))


@lru_cache(maxsize=64)
def blocks_of(text: str, hosts: frozenset[str] | None = None) -> tuple[Block, ...]:
    writer = BlockWriter(lambda: hosts)
    return (*writer.add(text), *writer.close())


def hosts_of(sources: Sequence[JsonValue]) -> frozenset[str]:
    """Where a stored reply's links may lead: wherever its sources, as they are stored, do."""
    told = [f"{each['text']} {each['url']}" for each in sources if isinstance(each, Mapping)]
    return frozenset(hosts_in(" ".join(told)))


@lru_cache(maxsize=KEPT_WORDS)
def words_html(text: str) -> str:
    """An expert's own words, whose links may lead anywhere."""
    writer = BlockWriter()
    return "".join(block.html for block in (*writer.add(text), *writer.close()))


def with_words(source: JsonValue) -> JsonValue:
    """A source as it is stored, with the HTML of its words beside them."""
    if not isinstance(source, dict):
        return source
    return {**source, "html": words_html(str(source["text"]))}


def blocks_until(text: str, end: int) -> tuple[Block, ...]:
    """The finished blocks of a text that is still written, as far as `end`. Links are left out:
    where they may lead is not known yet."""
    writer = BlockWriter(frozenset)
    return tuple(block for block in writer.add(text) if block.end <= end)


class BlockWriter:
    """Turns a growing text into finished blocks; every character ends up in exactly one.

    It does not matter how the text is cut into pieces: what is parsed is only what its rest
    cannot change, and it is parsed again when there is an eighth more of it.
    """

    def __init__(self, hosts: Callable[[], frozenset[str] | None] = lambda: None) -> None:
        self._hosts = hosts
        self._tail = ""
        self._position = 0
        self._parsed = 0
        self._ends: list[int] = []

    @property
    def position(self) -> int:
        """How far the finished blocks go, in UTF-16 units."""
        return self._position

    def add(self, text: str) -> list[Block]:
        """The blocks that `text` finished: all but the last one begun."""
        finished: list[Block] = []
        for start in range(0, len(text), LARGEST_BLOCK):
            self._tail += text[start : start + LARGEST_BLOCK]
            while len(self._tail) > LARGEST_BLOCK:
                finished += self._take_finished() or [self._take(LARGEST_BLOCK)]
        if self._settled() * 8 > self._parsed * 9:
            finished += self._take_finished()
        return finished

    def rewind(self, text: str) -> list[Block]:
        """Take back what comes after `text`, which the whole began with. Blocks that end in it
        stand; returned are those that its rest finishes."""
        kept = utf16_length(text)
        self._ends = [end for end in self._ends if end <= kept]
        self._position = self._ends[-1] if self._ends else 0
        self._tail, self._parsed = "", 0
        return self.add(text[len(utf16_cut(text, self._position)) :])

    def close(self) -> list[Block]:
        """The rest of the text."""
        finished = [self._take(length) for length in finished_blocks(self._tail)]
        return [*finished, self._take(len(self._tail))] if self._tail else finished

    def _settled(self) -> int:
        """Length of the whole lines, with a new block's begun line, within the largest block."""
        window = self._tail[:LARGEST_BLOCK]
        return len(window) if NEW_BLOCK.search(window) else window.rfind("\n") + 1

    def _take_finished(self) -> list[Block]:
        settled = self._tail[: self._settled()]
        finished = [self._take(length) for length in finished_blocks(settled)]
        self._parsed = self._settled()
        return finished

    def _take(self, length: int) -> Block:
        text, self._tail = self._tail[:length], self._tail[length:]
        start = self._position
        self._position += utf16_length(text)
        self._ends.append(self._position)
        return Block(start=start, end=self._position, html=html_of(text, self._hosts()))


def finished_blocks(text: str) -> list[int]:
    """Lengths of the blocks that a later one follows; none where the parser fails."""
    nothing: list[Token] = []
    tokens = unharmed(lambda: _outline.parse(text), otherwise=nothing)
    starts = [token.map[0] for token in tokens if token.level == 0 and token.map]
    lines = LINE.findall(text)
    return [sum(map(len, lines[begin:end])) for begin, end in pairwise([0, *starts[1:]])]


def html_of(markdown: str, hosts: frozenset[str] | None) -> str:
    as_it_is = as_written(BIDI_CONTROLS.sub("", markdown))
    return unharmed(lambda: to_html(markdown, hosts), otherwise=as_it_is)


def unharmed(parse: Callable[[], T], *, otherwise: T) -> T:
    """What `parse` gives. Its failure must not keep a turn from ending, or a reply from being read:
    the same text fails each time."""
    try:
        return parse()
    except Exception as error:  # noqa: BLE001  (a fault of the parser's own, of whatever kind)
        logger.warning("text not rendered: %s", type(error).__name__)
        return otherwise


def as_written(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


def to_html(markdown: str, hosts: frozenset[str] | None) -> str:
    def only_known(tag: str, attribute: str, value: str) -> str | None:
        return led(value, hosts) if attribute == "href" else value

    visible = BIDI_CONTROLS.sub("", markdown)
    if len(markdown) >= LARGEST_BLOCK or visible.count("[") > MOST_BRACKETS:
        return as_written(visible)
    return nh3.clean(
        _markdown.render(visible),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        url_relative=lambda address: address if address.startswith(LEAVE) else None,
        attribute_filter=only_known,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def led(address: str, hosts: frozenset[str] | None) -> str | None:
    """Where a link leads: None if it may not."""
    if not LINK.match(address):
        return None
    if not address.lower().startswith(("http:", "https:")):
        return address
    if hosts is not None and plain_host(host(address)) not in hosts:
        return None
    return LEAVE + quote(address, safe="")
