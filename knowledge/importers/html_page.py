"""HTML pages: headings are questions, and so are the forms that lists of questions have.

Those are `<dt>` with `<dd>`, `<details>` with `<summary>`, bold paragraphs that ask, and tables
that name an answer column. What a reader does not see is left out, and told of.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from knowledge.importers import outline, suspicion
from knowledge.importers.base import Record, RowError, UnreadableFileError
from knowledge.importers.field_names import FieldNames
from knowledge.importers.html_tree import LEFT_OUT, Node, tree
from knowledge.importers.outline import (
    CONCEALED,
    Block,
    Heading,
    Oddity,
    Pair,
    Paragraph,
    Table,
    markdown_table,
)
from knowledge.importers.table import TableRow

PAGE_CHARACTERS = 5_000_000
"""A page is held in memory whole."""
HEADINGS = {f"h{level}": level for level in range(1, 7)}
BOLD_STYLE = re.compile(r"font-weight\s{0,9}:\s{0,9}(?:bold|[6-9]00)")
COLOR = re.compile(r"(?<![\w-])color\s{0,9}:\s{0,9}([^;!]{1,40})")
BACKGROUND = re.compile(r"background(?:-color)?\s{0,9}:\s{0,9}([^;!]{1,40})")
STYLE_CHARACTERS = 2_000
NAMED = {"white": "ffffff", "black": "000000", "transparent": ""}
SAFE_LINK = re.compile(r"https?://[^\s()<>]{1,400}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """The colours that text has here, "" where nobody can tell."""

    color: str = "000000"
    paper: str = "ffffff"


def read(file: TextIO, names: FieldNames) -> Iterator[Record | RowError]:
    text = file.read(PAGE_CHARACTERS + 1)
    if len(text) > PAGE_CHARACTERS:
        raise UnreadableFileError(f"A page may have {PAGE_CHARACTERS:,} characters.")
    return outline.records(blocks(tree(text), Ink()), names, strict=False)


def blocks(node: Node, ink: Ink) -> Iterator[Block]:
    """What an element holds. Text between blocks is a paragraph."""
    run: list[Node | str] = []
    for child in node.children:
        if isinstance(child, Node) and child.is_block:
            yield from paragraph(run, node, ink)
            run = []
            yield from block(child, ink)
        else:
            run.append(child)
    yield from paragraph(run, node, ink)


def block(node: Node, ink: Ink) -> Iterator[Block]:
    if node.tag in LEFT_OUT:
        return
    if concealed(node, ink):
        yield from [CONCEALED] if has_text(node) else []
        return
    special = SPECIAL.get(node.tag, blocks)
    yield from special(node, ink_of(node, ink))


def heading(node: Node, ink: Ink) -> Iterator[Block]:
    text, codes = inline(node.children, ink)
    yield from oddities(codes)
    yield from [Heading(line=node.line, level=HEADINGS[node.tag], text=text)] if text else []


def preformatted(node: Node, _ink: Ink) -> Iterator[Block]:
    yield Paragraph(line=node.line, text=f"```\n{raw(node).strip()}\n```")


def paragraph(run: list[Node | str], parent: Node, ink: Ink) -> Iterator[Block]:
    text, codes = inline(run, ink)
    yield from oddities(codes)
    if text:
        first = next((each.line for each in run if isinstance(each, Node)), parent.line)
        yield Paragraph(line=first, text=text, bold=bold_style(parent) or all_bold(run))


def oddities(codes: frozenset[str]) -> list[Oddity]:
    return [Oddity(codes=codes)] if codes else []


def inline(run: list[Node | str], ink: Ink) -> tuple[str, frozenset[str]]:
    """The text that a reader sees, links as in Markdown, and what is odd about the rest."""
    pieces: list[str] = []
    codes: frozenset[str] = frozenset()
    for child in run:
        text, found = (child, frozenset[str]()) if isinstance(child, str) else seen(child, ink)
        pieces.append(re.sub(r"[ \t\r\n\f]+", " ", text) if isinstance(child, str) else text)
        codes |= found
    lines = "".join(pieces).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines).strip(), codes


def seen(node: Node, ink: Ink) -> tuple[str, frozenset[str]]:
    match node.tag:
        case "!":
            return "", suspicion.oddity_of_comment(raw(node))
        case "br":
            return "\n", frozenset()
        case tag if tag in LEFT_OUT:
            return "", frozenset()
    if concealed(node, ink):
        return "", CONCEALED.codes if has_text(node) else frozenset()
    text, codes = inline(node.children, ink_of(node, ink))
    href = node.attributes.get("href", "").strip()
    if node.tag == "a" and text and text != href and SAFE_LINK.fullmatch(href):
        text = f"[{text}]({href})"
    return f"{space_at(node, 0)}{text}{space_at(node, -1)}", codes


def space_at(node: Node, end: int) -> str:
    """The space that stands inside the element's first or last tag."""
    if not node.children:
        return ""
    child = node.children[end]
    if isinstance(child, str):
        return " " if child[end].isspace() else ""
    return space_at(child, end)


def raw(node: Node) -> str:
    return "".join(
        child if isinstance(child, str) else raw(child)
        for child in node.children
        if isinstance(child, str) or child.tag != "!"
    )


def has_text(node: Node) -> bool:
    return node.tag != "!" and any(
        bool(child.strip()) if isinstance(child, str) else has_text(child)
        for child in node.children
    )


def all_bold(run: list[Node | str]) -> bool:
    """Whether all text of a paragraph is in bold type."""
    return all(
        not child.strip() if isinstance(child, str) else bold(child) or not has_text(child)
        for child in run
    )


def bold(node: Node) -> bool:
    return node.tag in {"b", "strong"} or bold_style(node) or all_bold(node.children)


def bold_style(node: Node) -> bool:
    return BOLD_STYLE.search(style_of(node)) is not None


def style_of(node: Node) -> str:
    return node.attributes.get("style", "").lower()[:STYLE_CHARACTERS]


def concealed(node: Node, ink: Ink) -> bool:
    """Whether a reader does not see the element."""
    if "hidden" in node.attributes or node.attributes.get("aria-hidden", "").lower() == "true":
        return True
    if suspicion.CONCEALING_STYLE.search(style_of(node)):
        return True
    now = ink_of(node, ink)
    # A dark ground alone conceals nothing: what lies on it has colours of its own.
    return bool(own_color(node)) and now.color == now.paper


def own_color(node: Node) -> str:
    said = COLOR.search(style_of(node))
    font = node.attributes.get("color", "") if node.tag == "font" else ""
    return plain_color(said[1] if said else font)


def ink_of(node: Node, ink: Ink) -> Ink:
    paper = BACKGROUND.search(style_of(node))
    return Ink(
        color=own_color(node) or ink.color,
        paper=plain_color(paper[1]) if paper else ink.paper,
    )


def plain_color(value: str) -> str:
    """One spelling for one colour, "" for what is not known."""
    words = value.strip().lower()
    if words in NAMED:
        return NAMED[words]
    digits = re.fullmatch(r"#?(?:([0-9a-f]{3})|([0-9a-f]{6}))", words)
    if digits:
        return "".join(each * 2 for each in digits[1]) if digits[1] else digits[2]
    parts = re.match(r"rgba?\((\d{1,3})\W+(\d{1,3})\W+(\d{1,3})", words)
    return "".join(f"{int(part):02x}" for part in parts.groups()) if parts else ""


def definitions(node: Node, ink: Ink) -> Iterator[Block]:
    """Terms are questions, and what is said of them the answer."""
    questions: list[str] = []
    answers: list[str] = []
    codes: frozenset[str] = frozenset()
    line = node.line
    for child in terms(node):
        if child.tag == "dt" and answers:
            yield from pair(line, questions, answers, codes)
            questions, answers, codes = [], [], frozenset()
        text, found = flat(child, ink)
        codes |= found
        if child.tag == "dt":
            line = line if questions else child.line
            questions.append(text)
        elif text:
            answers.append(text)
    yield from pair(line, questions, answers, codes)


def terms(node: Node) -> Iterator[Node]:
    """`<dt>` and `<dd>`, which may lie in a `<div>` each group."""
    for child in node.elements():
        if child.tag in {"dt", "dd"}:
            yield child
        elif child.tag == "div":
            yield from terms(child)


def pair(line: int, questions: list[str], answers: list[str], codes: frozenset[str]) -> list[Pair]:
    asked = tuple(filter(None, questions))
    answer = "\n\n".join(answers)
    known = [Pair(line=line, questions=asked, answer=answer, suspicious=codes)]
    return known if asked and (answer or codes) else []


def details(node: Node, ink: Ink) -> Iterator[Block]:
    """A question that is unfolded."""
    summaries = [child for child in node.elements() if child.tag == "summary"]
    rest = Node(
        node.tag, node.line, {}, [child for child in node.children if child not in summaries]
    )
    questions = [flat(summary, ink) for summary in summaries[:1]]
    answer, codes = flat(rest, ink)
    codes = codes.union(*(found for _, found in questions))
    yield from pair(node.line, [text for text, _ in questions], [answer], codes)


def table(node: Node, ink: Ink) -> Iterator[Block]:
    rows: list[TableRow] = []
    codes: frozenset[str] = frozenset()
    for row in table_rows(node):
        cells = [flat(cell, ink) for cell in row.elements() if cell.tag in {"td", "th"}]
        codes = codes.union(*(found for _, found in cells))
        rows.append(TableRow(line=row.line, cells=[text for text, _ in cells]))
    yield from [Table(line=node.line, rows=rows, suspicious=codes)] if rows else []


def table_rows(node: Node) -> Iterator[Node]:
    for child in node.elements():
        if child.tag == "tr":
            yield child
        elif child.tag in {"thead", "tbody", "tfoot"}:
            yield from table_rows(child)


def listing(node: Node, ink: Ink) -> Iterator[Block]:
    """A list as text; a list that holds headings or questions is a page in pieces."""
    inner = list(blocks(node, ink))
    if any(isinstance(each, Heading | Pair | Table) for each in inner):
        yield from inner
        return
    lines: list[str] = []
    for number, item in enumerate(
        (child for child in node.elements() if child.tag == "li"), start=1
    ):
        text, codes = flat(item, ink)
        yield from oddities(codes)
        mark = f"{number}." if node.tag == "ol" else "-"
        lines += [f"{mark} {text}".replace("\n\n", "\n").replace("\n", "\n  ")] if text else []
    yield from [Paragraph(line=node.line, text="\n".join(lines))] if lines else []


def flat(node: Node, ink: Ink) -> tuple[str, frozenset[str]]:
    """All that an element holds as one text, and what is odd about it."""
    texts: list[str] = []
    codes: frozenset[str] = frozenset()
    inner = blocks(node, ink_of(node, ink)) if not concealed(node, ink) else iter([CONCEALED])
    for each in inner:
        match each:
            case Heading(text=text) | Paragraph(text=text):
                texts.append(text)
            case Pair():
                texts += [*each.questions, each.answer]
                codes |= each.suspicious
            case Table():
                texts.append(markdown_table(each.rows))
                codes |= each.suspicious
            case Oddity():
                codes |= each.codes
    return "\n\n".join(texts), codes


SPECIAL = {
    **dict.fromkeys(HEADINGS, heading),
    "dl": definitions,
    "details": details,
    "table": table,
    "ul": listing,
    "ol": listing,
    "pre": preformatted,
}
