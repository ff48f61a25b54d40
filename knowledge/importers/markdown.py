"""Markdown: headings are questions, and the text beneath them, left as it is, their answers."""

import re
from collections.abc import Iterator
from typing import TextIO

from knowledge.importers import outline, text
from knowledge.importers.base import Record, RowError, UnreadableFileError
from knowledge.importers.field_names import FieldNames
from knowledge.importers.lines import LINE_CHARACTERS, numbered_lines
from knowledge.importers.outline import (
    SECTION_CHARACTERS,
    Block,
    Heading,
    Pair,
    Paragraph,
    SectionEnd,
    Table,
)
from knowledge.importers.table import TableRow

HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]|(?=[\u4e00-\u9fff])|$)")
"""Before Chinese also without the space that the standard asks for: many leave it out."""
UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
UNDERLINED = re.compile(r"(?![|\s-]).{1,99}(?<![。.;；:：,，])$")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
BOLD_LINE = re.compile(r"\s{0,3}(\*\*|__)(?=\S)(?P<text>[^*\n]{1,400}?)\1[:：]?\s*$")
SUMMARY = re.compile(
    r"\s*(?:<details[^>]{0,200}>)?\s*<summary[^>]{0,200}>(?P<text>.*?)</summary>", re.I
)
DETAILS = re.compile(r"\s*<(?P<end>/?)details[^>]{0,200}>\s*$", re.I)
TAG = re.compile(r"</?[a-z][^<>]{0,200}>", re.I)
CELL_END = re.compile(r"(?<!\\)\|")
FRONT_MATTER = "---"

Line = tuple[int, str]


def read(file: TextIO, names: FieldNames) -> Iterator[Record | RowError]:
    return outline.records(blocks(file), names)


def blocks(file: TextIO) -> Iterator[Block]:
    for chunk in chunks(without_front_matter(plain_lines(file))):
        yield from blocks_of(chunk)


def plain_lines(file: TextIO) -> Iterator[Line]:
    for number, line in numbered_lines(file):
        if len(line) > LINE_CHARACTERS:
            raise UnreadableFileError(
                f"The line has more than {LINE_CHARACTERS:,} characters.", line=number
            )
        yield number, line.rstrip("\r\n")


def without_front_matter(lines: Iterator[Line]) -> Iterator[Line]:
    """Without the settings that some programs keep at the top, between two lines `---`."""
    held: list[Line] = []
    for number, line in lines:
        if number == 1 and line.rstrip() == FRONT_MATTER:
            held.append((number, line))
        elif held and line.rstrip() == FRONT_MATTER:
            held = []
            break
        elif held and re.match(r"[\w-]+\s*:|\s|#|- ", line):
            held.append((number, line))
        else:
            held.append((number, line))
            break
    yield from held
    yield from lines


class Chunks:
    """Gathers lines that belong together: up to a blank line, and a fence or comment whole."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._fence = ""
        self._comment = False
        self._characters = 0

    @property
    def open(self) -> bool:
        return bool(self._fence) or self._comment

    def add(self, number: int, line: str) -> None:
        self._characters += len(line) + 1
        if self._characters <= SECTION_CHARACTERS + LINE_CHARACTERS:
            self.lines.append((number, line))
        if not self._comment:
            self._follow_fence(line)
        if not self._fence:
            self._comment = comment_open(line, inside=self._comment)

    def _follow_fence(self, line: str) -> None:
        fence = FENCE.match(line)
        if self._fence:
            if fence and fence[1].startswith(self._fence) and not line.strip(" `~"):
                self._fence = ""
        elif fence:
            self._fence = fence[1]

    def taken(self) -> list[Line]:
        lines, self.lines, self._characters = self.lines, [], 0
        return lines


def chunks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    gathered = Chunks()
    for number, line in lines:
        if not gathered.open and (starts_anew(line) or not line.strip()):
            yield gathered.taken()
        if line.strip() or gathered.open:
            gathered.add(number, line)
        if len(gathered.lines) == 1 and not gathered.open and starts_anew(line):
            yield gathered.taken()
    yield gathered.taken()


def starts_anew(line: str) -> bool:
    """Whether the line is a block by itself, with or without blank lines around it."""
    return any(each.match(line) for each in (HEADING, SUMMARY, DETAILS))


def comment_open(line: str, *, inside: bool) -> bool:
    """Whether a comment goes on after this line."""
    start, end = line.rfind("<!--"), line.rfind("-->")
    return start > end or (inside and end < 0)


def blocks_of(chunk: list[Line]) -> Iterator[Block]:
    if not chunk:
        return
    number, first = chunk[0]
    if len(chunk) == 1 and (block := single(number, first)):
        yield block
    elif len(chunk) > 1 and UNDERLINE.match(chunk[1][1]) and underlined(first):
        yield Heading(line=number, level=1 if "=" in chunk[1][1] else 2, text=first.strip())
        yield from blocks_of(chunk[2:])
    elif len(chunk) > 1 and BOLD_LINE.match(first) and outline.asked(first):
        yield from blocks_of(chunk[:1])
        yield from blocks_of(chunk[1:])
    elif len(chunk) > 1 and "|" in first and rules_table(chunk[1][1]):
        rows = [TableRow(line=row, cells=cells(line)) for row, line in [chunk[0], *chunk[2:]]]
        yield Table(line=number, rows=rows)
    else:
        yield Paragraph(line=number, text="\n".join(line for _, line in chunk))


def underlined(line: str) -> bool:
    """Whether the line is a heading if hyphens stand under it, and no text above a rule."""
    begins = text.QUESTION.match(line) or text.ANSWER_LINE.match(line)
    return not begins and UNDERLINED.match(line) is not None


def rules_table(line: str) -> bool:
    return "-" in line and set(line) <= set("|:- \t")


def single(number: int, line: str) -> Block | None:
    """The block that this line is by itself, if it is no plain paragraph."""
    if heading := HEADING.match(line):
        rest = line[heading.end() :].strip()
        unclosed = rest.rstrip("#")
        closed = unclosed != rest and (not unclosed or unclosed[-1].isspace())
        return Heading(
            line=number, level=len(heading[1]), text=unclosed.strip() if closed else rest
        )
    if summary := SUMMARY.match(line):
        rest = DETAILS.sub("", line[summary.end() :].strip())
        question = TAG.sub("", summary["text"])
        if answer := TAG.sub("", rest.replace("</details>", "")).strip():
            return Pair(line=number, questions=(question,), answer=answer)
        return Heading(line=number, level=outline.BOLD, text=question)
    if details := DETAILS.match(line):
        return SectionEnd() if details["end"] else Paragraph(line=number, text="")
    bold = BOLD_LINE.match(line)
    if bold and outline.asked(bold["text"]):
        return Paragraph(line=number, text=bold["text"], bold=True)
    return None


def cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().replace("\\|", "|") for cell in CELL_END.split(inner)]
