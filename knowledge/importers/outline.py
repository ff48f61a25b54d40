"""From a document's headings, paragraphs and tables to questions with the text beneath them.

The nearest heading is the question. The headings above it are the topic. What stands before the
first heading belongs to no question and is left out. `question: … answer: …` documents in the text
under a heading stand for themselves.
"""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from knowledge.importers import suspicion, table, text
from knowledge.importers.base import Record, RowError, shown
from knowledge.importers.field_names import FieldNames
from knowledge.importers.table import TableRow

LATER = 1_000
"""Rows that wait for their heading's."""
SECTION_CHARACTERS = 200_000
"""More than a question with an answer may have; a longer one is not kept whole."""
TOPIC_CHARACTERS = 120
ASKED_CHARACTERS = 200
BOLD = 7
"""The level of a question in bold type: below every heading."""
ASKED = re.compile(
    r"[?？]\W*$|^(?:q|question|问题?|問)\s*\d{0,3}\s*[:：.、]"
    r"|(?:吗|呢|怎么办|怎么做|如何|怎样|什么|为什么|多久|多少|是否|能不能|可不可以|要不要|哪些|哪里|嗎)",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"(?:(?:q|question|问题?|問)\s*(?:\d{1,3}|[一二三四五六七八九十]{1,3})?\s*[:：.、]"
    r"|(?:\d{1,3}(?:\.\d{1,3}){0,3}[.、)）]|[一二三四五六七八九十]{1,3}[、.]|[（(]\d{1,3}[)）])"
    r"(?!\d))\s*",
    re.IGNORECASE,
)
"""`Q1:`, `问题：`, `2.`, `三、`: numbers and marks that are not part of the question."""
ANSWER_LABEL = re.compile(r"\s*(?:a|answers?|答案?|回答)\s*\d{0,3}\s*[:：]\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    line: int
    level: int
    """1 is the highest, but for the title of a document, which is 0."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph, list or other piece of text, in Markdown."""

    line: int
    text: str
    bold: bool = False
    """Whether all of it is in bold type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A question with its answer, as some forms have them."""

    line: int
    questions: tuple[str, ...]
    answer: str
    suspicious: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    line: int
    rows: list[TableRow]
    suspicious: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """Something that people would not see stood here, and was left out."""

    codes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionEnd:
    """What follows belongs to no question until the next heading."""


Block = Heading | Paragraph | Pair | Table | Oddity | SectionEnd


@dataclass(slots=True, kw_only=True)
class Section:
    """A heading with the text beneath it, while it comes in."""

    heading: Heading | None = None
    paragraphs: list[Paragraph] = field(default_factory=list)
    document: list[Paragraph] = field(default_factory=list)
    """From `question:` on: it stands for itself."""
    line: int = 0
    """Of its first text."""
    characters: int = 0
    codes: frozenset[str] = frozenset()
    later: list[Record | RowError] = field(default_factory=list)
    """What was read by itself under it; it comes after the heading's own row, as its lines do."""
    filled: bool = False
    """Whether there was any of that, so that the heading needs no text."""

    def add(self, paragraph: Paragraph) -> None:
        documented = bool(self.document) or text.QUESTION.match(paragraph.text) is not None
        if not paragraph.text or not (self.heading or documented):
            return
        self.line = self.line or paragraph.line
        self.characters += len(paragraph.text)
        if not self.too_long:
            (self.document if documented else self.paragraphs).append(paragraph)

    @property
    def too_long(self) -> bool:
        return self.characters > SECTION_CHARACTERS

    @property
    def body(self) -> str:
        return "\n\n".join(each.text for each in self.paragraphs).strip()


@dataclass(slots=True, kw_only=True)
class Outline:
    """Follows a document's blocks; a record is complete when the next heading comes."""

    names: FieldNames
    strict: bool
    """Whether a heading without any text is an error."""
    path: list[Heading] = field(default_factory=list)
    section: Section = field(default_factory=Section)
    seen: set[bytes] = field(default_factory=set)

    def take(self, block: Block) -> Iterator[Record | RowError]:
        match block:
            case Heading():
                yield from self.open(block)
            case Paragraph() if block.bold and asked(block.text):
                yield from self.open(Heading(line=block.line, level=BOLD, text=block.text))
            case Paragraph():
                yield from self.paragraph(block)
            case Pair():
                yield from self.documents()
                yield from self.apart([self.pair(block)])
            case Table():
                yield from self.table(block)
            case Oddity():
                self.section.codes |= block.codes
            case SectionEnd():
                yield from self.close()
                self.path = self.path[:-1]

    def paragraph(self, block: Paragraph) -> Iterator[Record | RowError]:
        if self.section.document and text.QUESTION.match(block.text):
            yield from self.documents()
        self.section.add(block)

    def apart(self, found: Iterable[Record | RowError]) -> Iterator[Record | RowError]:
        """Keep what was read by itself until its heading's row is complete, if that is to come."""
        section = self.section
        for each in found:
            section.filled = True
            section.later.append(each)
            if not section.paragraphs or len(section.later) > LATER:
                yield from section.later
                section.later.clear()

    def documents(self) -> Iterator[Record | RowError]:
        """Those of the section so far; thousands of them may stand under one heading."""
        section = self.section
        found = documents_in(section.document)
        section.document.clear()
        section.characters = sum(len(each.text) for each in section.paragraphs)
        yield from self.apart([self.under_topic(each, section) for each in found])

    def under_topic(self, found: Record | RowError, section: Section) -> Record | RowError:
        """With the headings as its topic, unless it says one itself."""
        if isinstance(found, RowError):
            return found
        said = any(self.names.field_of(name) == "topic" and value for name, value in found.fields)
        topic = () if said else (("topic", self.topic(self.path)),)
        codes = section.codes.union(found.suspicious)
        return replace(found, fields=(*found.fields, *topic), suspicious=tuple(codes))

    def open(self, heading: Heading) -> Iterator[Record | RowError]:
        yield from self.close(parent=bool(self.path) and heading.level > self.path[-1].level)
        self.path = [each for each in self.path if each.level < heading.level]
        self.path.append(heading)
        self.section = Section(heading=heading)

    def close(self, *, parent: bool = False) -> Iterator[Record | RowError]:
        """What the section gives; nothing if it only stands above others."""
        section = self.section
        heading, message = section.heading, ""
        if section.too_long:
            message = f"The text under a heading has more than {SECTION_CHARACTERS:,} characters."
        else:
            yield from self.documents()
        if heading and section.body and not message:
            yield self.answered(heading, section)
        elif heading and not (parent or section.filled or message) and self.strict:
            message = f"The heading {shown(heading.text)} has no text beneath it."
        if message:
            yield RowError(line=heading.line if heading else section.line, message=message)
        yield from section.later
        self.section = Section()

    def topic(self, headings: Sequence[Heading]) -> str:
        return topic_of([without_label(each.text) for each in headings])

    def answered(self, heading: Heading, section: Section) -> Record:
        """A heading and its text. The same heading elsewhere is another question: it has an id."""
        question = without_label(heading.text)
        above = self.path[:-1]
        fields = [
            ("question", question),
            ("answer", without_answer_label(section.body)),
            ("topic", self.topic(above)),
        ]
        mark = digest(question)
        if mark in self.seen:
            path = digest(*(without_label(each.text) for each in self.path))
            fields.append(("id", f"path:{path.hex()}"))
        self.seen.add(mark)
        return Record(line=heading.line, fields=tuple(fields), suspicious=tuple(section.codes))

    def pair(self, pair: Pair) -> Record:
        questions = [without_label(each) for each in pair.questions]
        answer = without_answer_label(pair.answer)
        fields = (("question", questions), ("answer", answer), ("topic", self.topic(self.path)))
        return Record(line=pair.line, fields=fields, suspicious=tuple(pair.suspicious))

    def table(self, block: Table) -> Iterator[Record | RowError]:
        """Its rows as answers if it has such columns; else it is a part of the text."""
        header = block.rows[0].cells if block.rows else ()
        if not {"question", "answer"} <= set(map(self.names.field_of, header)):
            self.section.codes |= block.suspicious
            self.section.add(Paragraph(line=block.line, text=markdown_table(block.rows)))
            return
        rows = [replace(row, hidden=bool(block.suspicious)) for row in block.rows[1:]]
        found = table.records(header, rows, self.names)
        yield from self.documents()
        yield from self.apart(self.under_topic(each, self.section) for each in found)


def records(
    blocks: Iterable[Block], names: FieldNames, *, strict: bool = True
) -> Iterator[Record | RowError]:
    outline = Outline(names=names, strict=strict)
    for block in blocks:
        yield from outline.take(block)
    yield from outline.close()


def asked(text: str) -> bool:
    """Whether a short text in bold type is a question, and not a stress."""
    return len(text) <= ASKED_CHARACTERS and ASKED.search(text.strip("*_ ")) is not None


def without_label(text: str) -> str:
    plain = text.strip().strip("*_").strip()
    return LABEL.sub("", plain, count=1) if LABEL.match(plain) else plain


def without_answer_label(text: str) -> str:
    label = ANSWER_LABEL.match(text)
    return text[label.end() :] if label else text


def topic_of(names: Sequence[str]) -> str:
    """The headings above a question; the outermost go if they are too long together."""
    kept = [name for name in names if name]
    while len(topic := " › ".join(kept)) > TOPIC_CHARACTERS and kept:
        kept = kept[1:] if len(kept) > 1 else [kept[0][:TOPIC_CHARACTERS]]
    return topic


def documents_in(paragraphs: Sequence[Paragraph]) -> list[Record | RowError]:
    lines = [
        paragraph.line + number
        for paragraph in paragraphs
        for number in range(paragraph.text.count("\n") + 2)
    ]
    joined = "\n\n".join(each.text for each in paragraphs)
    found = text.documents_of(io.StringIO(joined, newline=""))
    return [replace(each, line=lines[each.line - 1]) for each in found]


def markdown_table(rows: Sequence[TableRow]) -> str:
    width = max((len(row.cells) for row in rows), default=0)
    filled = ([" ".join(cell.split()) for cell in row.cells] for row in rows)
    lines = ["| " + " | ".join(cells + [""] * (width - len(cells))) + " |" for cells in filled]
    return "\n".join([*lines[:1], "|" + " --- |" * width, *lines[1:]])


def digest(*names: str) -> bytes:
    return hashlib.blake2b("\0".join(names).encode("utf-8", "replace"), digest_size=16).digest()


CONCEALED = Oddity(codes=frozenset({suspicion.CONCEALED}))
