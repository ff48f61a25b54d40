"""Markdown to safe HTML, a block at a time, once for all readers.

Raw HTML and images are off in the parser, and what it gives goes through an allow-list of its own
all the same. A block too large to parse in good time is shown as it is written.
"""

import html
import re
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

from chat.turn.events import Block
from chat.wire_format import utf16_length

LARGEST_BLOCK = 4_000
"""Characters: the parser is slower than linear on hostile text."""
BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li",
    "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto", "tel"}

_markdown = MarkdownIt("js-default", {"html": False, "linkify": True, "typographer": False})
_markdown.disable("image")


def render(text: str) -> str:
    """Safe HTML of a whole text."""
    return "".join(block.html for block in blocks_of(text))


@lru_cache(maxsize=512)
def blocks_of(text: str) -> tuple[Block, ...]:
    writer = BlockWriter()
    return (*writer.add(text), *writer.close())


class BlockWriter:
    """Turns a growing text into finished blocks; every character ends up in exactly one."""

    def __init__(self) -> None:
        self._tail = ""
        self._position = 0

    def add(self, text: str) -> list[Block]:
        """The blocks that `text` finished: all but the last one begun."""
        self._tail += text
        if "\n" not in text and len(self._tail) <= LARGEST_BLOCK:
            return []
        finished = [self._take(end) for end in self._ends()]
        while len(self._tail) > LARGEST_BLOCK:
            finished.append(self._take(LARGEST_BLOCK))
        return finished

    def close(self) -> list[Block]:
        """The rest of the text."""
        finished = [self._take(end) for end in self._ends()]
        return [*finished, self._take(len(self._tail))] if self._tail else finished

    def _ends(self) -> list[int]:
        """Lengths, each counted from the one before, of the blocks that a later one follows."""
        if len(self._tail) > LARGEST_BLOCK or "\n" not in self._tail:
            return []
        tokens = _markdown.parse(self._tail)
        starts = [token.map[0] for token in tokens if token.level == 0 and token.map]
        lines = self._tail.splitlines(keepends=True)
        ends, begun = [], 0
        for start in starts[1:]:
            length = sum(len(line) for line in lines[begun:start])
            ends.extend([length] if length else [])
            begun = start
        return ends

    def _take(self, length: int) -> Block:
        text, self._tail = self._tail[:length], self._tail[length:]
        start = self._position
        self._position += utf16_length(text)
        return Block(start=start, end=self._position, html=to_html(text))


def to_html(markdown: str) -> str:
    visible = BIDI_CONTROLS.sub("", markdown)
    if len(visible) >= LARGEST_BLOCK:
        return f"<p>{html.escape(visible)}</p>"
    return nh3.clean(
        _markdown.render(visible),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
