"""DOCX documents: headings are questions, as are bold paragraphs that ask; tables as in HTML.

Hidden text, white text, deleted text, comments and footnotes are left out. Lines are paragraphs,
counted from 1, those of tables too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from knowledge.importers import outline
from knowledge.importers.base import Record, RowError, UnreadableFileError
from knowledge.importers.field_names import FieldNames
from knowledge.importers.outline import CONCEALED, Block, Heading, Paragraph, Table
from knowledge.importers.package import Package, opened_package
from knowledge.importers.table import TableRow

DOCUMENT_BYTES = 20 << 20
"""Of the document's text with its marks; pictures do not count. A part of it is held at a time."""
TITLES = re.compile(r"(?:heading|标题|標題)\s?([1-9])", re.IGNORECASE)
DOCUMENT_TITLES = {"title", "标题", "標題"}
LEFT_OUT = re.compile(r"(?:subtitle|副标题|toc\s?[0-9]|目录\s?[0-9]|toc heading)")
"""Styles of paragraphs that repeat or adorn."""
OFF = {"0", "false", "off", "none"}
WHITE = "FFFFFF"
SKIPPED = frozenset("Fallback moveFrom del instrText delText footnoteReference rPr pPr".split())
"""Copies for old programs, what was deleted or moved away, codes of fields."""
LINKING = frozenset("attachedTemplate oleObject frame subDocument".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What a paragraph or run looks like by its style."""

    level: int | None
    hidden: bool
    bold: bool
    listed: bool = False
    left_out: bool = False


@dataclass(slots=True)
class Reading:
    """A document's styles and links, and how far it was read."""

    styles: dict[str, Style]
    links: dict[str, str]
    line: int = 0
    plain: Style = field(default_factory=lambda: Style(level=None, hidden=False, bold=False))

    def blocks(self, element: Element) -> Iterator[Block]:
        match element.tag:
            case "p":
                yield from self.paragraph(element)
            case "tbl":
                yield from self.table(element)
            case tag if tag not in SKIPPED:
                for child in element:
                    yield from self.blocks(child)

    def paragraph(self, element: Element) -> Iterator[Block]:
        self.line += 1
        style = self.styles.get(value_of(element, "pPr/pStyle"), self.plain)
        if style.left_out:
            return
        runs = list(self.runs(element, style))
        text = "".join(run.text for run in runs if not run.hidden).strip()
        if any(run.hidden and run.text.strip() for run in runs):
            yield CONCEALED
        yield from self.inner(element)
        level = outline_level(element, style)
        if text and level is not None:
            yield Heading(line=self.line, level=level, text=" ".join(text.split()))
        elif text:
            filled = [run for run in runs if run.text.strip() and not run.hidden]
            is_bold = all(run.bold for run in filled)
            listed = style.listed or element.find("pPr/numPr") is not None
            yield Paragraph(line=self.line, text=f"- {text}" if listed else text, bold=is_bold)

    def runs(self, element: Element, style: Style) -> Iterator["Run"]:
        for child in element:
            if child.tag == "r":
                yield self.run(child, style)
            elif child.tag == "hyperlink":
                yield from self.link(child, style)
            elif child.tag not in SKIPPED:
                yield from self.runs(child, style)

    def link(self, element: Element, style: Style) -> Iterator["Run"]:
        runs = list(self.runs(element, style))
        text = "".join(run.text for run in runs if not run.hidden)
        target = self.links.get(element.get("id", ""), "")
        if text.strip() and target.startswith(("http://", "https://")) and target != text:
            hidden = [run for run in runs if run.hidden]
            yield from [*hidden, Run(f"[{text}]({target})", hidden=False, bold=False)]
        else:
            yield from runs

    def run(self, element: Element, style: Style) -> "Run":
        own = self.styles.get(value_of(element, "rPr/rStyle"), self.plain)
        hidden = on(element, "rPr/vanish", otherwise=own.hidden or style.hidden)
        return Run(
            "".join(run_text(element)),
            hidden=hidden or unreadable(element),
            bold=on(element, "rPr/b", otherwise=own.bold or style.bold),
        )

    def inner(self, element: Element) -> Iterator[Block]:
        """What text boxes in a paragraph hold."""
        for box in element.iter("txbxContent"):
            for child in box:
                yield from self.blocks(child)

    def table(self, element: Element) -> Iterator[Block]:
        first = self.line + 1
        rows: list[TableRow] = []
        codes: frozenset[str] = frozenset()
        for row in element.iter("tr"):
            line = self.line + 1
            cells: list[str] = []
            for cell in row.findall("tc"):
                inner = list(self.blocks(cell))
                cells.append("\n".join(text_of(inner)))
                codes |= CONCEALED.codes if CONCEALED in inner else frozenset()
            rows.append(TableRow(line=line, cells=cells))
        if rows:
            yield Table(line=first, rows=rows, suspicious=codes)


@dataclass(frozen=True, slots=True)
class Run:
    text: str
    hidden: bool
    bold: bool


def read(path: Path, names: FieldNames) -> Iterator[Record | RowError]:
    with opened_package(path) as package:
        main = package.main_part()
        if package.size(main) > DOCUMENT_BYTES:
            raise UnreadableFileError(
                f"The text of the document takes over {DOCUMENT_BYTES:,} bytes. Divide it."
            )
        refuse_links(package, main)
        yield from outline.records(document(package, main), names)


def document(package: Package, main: str) -> Iterator[Block]:
    relations = package.relations(main)
    styles = next((each.target for each in relations.values() if each.kind == "styles"), "")
    reading = Reading(
        styles=styles_of(list(package.elements(styles, depth=2))),
        links={key: each.target for key, each in relations.items() if each.kind == "hyperlink"},
    )
    for element in package.elements(main, depth=3):
        yield from reading.blocks(element)


def refuse_links(package: Package, main: str) -> None:
    """Raises UnreadableFileError if parts of the document are elsewhere."""
    relations = [*package.relations(main).values(), *package.relations("").values()]
    if any(each.external and each.kind in LINKING for each in relations):
        raise UnreadableFileError(
            "The document takes parts from other files. Save it without them."
        )


def text_of(blocks: list[Block]) -> Iterator[str]:
    for each in blocks:
        if isinstance(each, Heading | Paragraph):
            yield each.text
        elif isinstance(each, Table):
            yield "; ".join(cell for row in each.rows for cell in row.cells)


def run_text(element: Element) -> Iterator[str]:
    for child in element:
        match child.tag:
            case "t":
                yield child.text or ""
            case "tab":
                yield " "
            case "br" | "cr":
                yield "\n"
            case "noBreakHyphen":
                yield "-"


def value_of(element: Element, path: str) -> str:
    found = element.find(path)
    return "" if found is None else found.get("val", "")


def on(element: Element, path: str, *, otherwise: bool = False) -> bool:
    found = element.find(path)
    return otherwise if found is None else found.get("val", "1") not in OFF


def unreadable(element: Element) -> bool:
    """White on paper that nobody coloured, or smaller than anybody can read."""
    white = value_of(element, "rPr/color").upper() == WHITE
    coloured = element.find("rPr/shd") is not None or element.find("rPr/highlight") is not None
    return (white and not coloured) or value_of(element, "rPr/sz") in {"0", "1", "2"}


def outline_level(element: Element, style: Style) -> int | None:
    said = value_of(element, "pPr/outlineLvl")
    return level_of(said) if said else style.level


def level_of(said: str) -> int | None:
    """Word counts its levels from 0."""
    known = said in set("012345678")
    return int(said) + 1 if known else None


def styles_of(elements: list[Element]) -> dict[str, Style]:
    named = {each.get("styleId", ""): each for each in elements if each.tag == "style"}
    return {key: style_of(key, named) for key in named}


def style_of(key: str, named: dict[str, Element]) -> Style:
    """With what it takes from the styles that it is based on; the nearest says."""
    level: int | None = None
    hidden = is_bold = listed = False
    for element in based_on(key, named)[::-1]:
        name = value_of(element, "name").strip().lower()
        title = TITLES.fullmatch(name)
        said = value_of(element, "pPr/outlineLvl")
        if title or name in DOCUMENT_TITLES:
            level = int(title[1]) if title else 0
        elif said:
            level = level_of(said)
        hidden = on(element, "rPr/vanish", otherwise=hidden)
        is_bold = on(element, "rPr/b", otherwise=is_bold)
        listed |= element.find("pPr/numPr") is not None
    name = value_of(named[key], "name").strip().lower()
    left_out = LEFT_OUT.fullmatch(name) is not None
    return Style(level=level, hidden=hidden, bold=is_bold, listed=listed, left_out=left_out)


def based_on(key: str, named: dict[str, Element]) -> list[Element]:
    """A style and those that it is based on, nearest first."""
    chain: list[Element] = []
    while key in named and named[key] not in chain:
        chain.append(named[key])
        key = value_of(named[key], "basedOn")
    return chain
