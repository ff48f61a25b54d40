"""HTML as a tree, forgiving as browsers are: what is not closed ends where it must."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

DEPTH = 100
"""What lies deeper is put here: trees are walked by recursion."""
VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
PARAGRAPH_ENDS = frozenset(
    "address article aside blockquote details div dl dt dd fieldset figure footer form h1 h2 h3 h4"
    " h5 h6 header hr li main nav ol p pre section summary table ul tr td th".split()
)
LEFT_OUT = frozenset(
    "script style noscript template head title nav footer select datalist textarea input iframe"
    " object embed svg math canvas audio video map".split()
)
"""Not text of the page, or not about its subject."""
BLOCKS = frozenset(
    "address article aside blockquote body center details dd div dl dt fieldset figcaption figure"
    " form h1 h2 h3 h4 h5 h6 header hgroup hr html li main ol p pre section summary table tbody td"
    " tfoot th thead tr ul".split()
)
TAG_CHARACTERS = 4_000
LOOSE_TAG = re.compile(rf"<(?!!--)(?![^>]{{0,{TAG_CHARACTERS}}}>)")
SIBLINGS = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol"})),
    "dt": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "dd": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "tr": (frozenset({"tr", "td", "th"}), frozenset({"table"})),
    "td": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
    "th": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
    "option": (frozenset({"option"}), frozenset({"select"})),
}
"""What an opening tag ends, and how far up it looks for that."""


@dataclass(slots=True, eq=False)
class Node:
    """An element; a comment is one with the tag `!`."""

    tag: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Node | str]" = field(default_factory=list)
    is_block: bool = False
    """Also an inline element is one if it holds one: sloppy pages have them."""

    def elements(self) -> "Iterator[Node]":
        return (child for child in self.children if isinstance(child, Node))


class TreeParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("html", 1)
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._end_implied(tag)
        attributes = {name: value or "" for name, value in reversed(attrs)}
        node = Node(tag, self.getpos()[0], attributes)
        self._open[-1].children.append(node)
        if tag in BLOCKS:
            self._mark_blocks(node)
        if tag not in VOID and len(self._open) < DEPTH:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<div/>` is an opening tag in HTML."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].tag == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        self._open[-1].children.append(Node("!", self.getpos()[0], {}, [data]))

    def _mark_blocks(self, node: Node) -> None:
        node.is_block = True
        for above in reversed(self._open):
            if above.is_block or above.tag in LEFT_OUT:
                break
            above.is_block = True

    def _end_implied(self, tag: str) -> None:
        if tag in PARAGRAPH_ENDS and self._open[-1].tag == "p":
            self._open.pop()
        while tag in SIBLINGS and (depth := self._ended_by(tag)):
            del self._open[depth:]

    def _ended_by(self, tag: str) -> int:
        """Where among the open elements the one is that `tag` ends; 0 if none is."""
        ends, limits = SIBLINGS[tag]
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].tag in limits | ends:
                return depth if self._open[depth].tag in ends else 0
        return 0


def tree(text: str) -> Node:
    parser = TreeParser()
    parser.feed(without_loose_ends(text))
    parser.close()
    return parser.root


def without_loose_ends(text: str) -> str:
    """With tags and comments that never end as text: the parser looks for each end anew."""
    closed = text.rfind("-->") + 1
    commented = text[:closed] + text[closed:].replace("<!--", "&lt;!--")
    return LOOSE_TAG.sub("&lt;", commented)
