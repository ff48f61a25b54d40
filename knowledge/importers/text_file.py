"""Text files: documents `question: … answer: …`, headings as in Markdown, or a list of questions.

In such a list a question is a line that ends with a question mark, after a blank line or with a
number before it. If the first has a number, so have all.
"""

from collections.abc import Iterator
from typing import TextIO

from knowledge.importers import markdown, outline, text
from knowledge.importers.base import Record, RowError
from knowledge.importers.field_names import FieldNames
from knowledge.importers.lines import LINE_CHARACTERS
from knowledge.importers.outline import ASKED_CHARACTERS, BOLD, LABEL, Block, Heading, Paragraph

QUESTION_MARKS = ("?", "？")


def read(file: TextIO, names: FieldNames) -> Iterator[Record | RowError]:
    first = first_line(file)
    file.seek(0)
    if text.QUESTION.match(first) or text.ANSWER_LINE.match(first):
        return text.read(file, names)
    if markdown.HEADING.match(first):
        return markdown.read(file, names)
    if asks(first):
        return outline.records(blocks(file, numbered=is_numbered(first)), names)
    return text.read(file, names)


def first_line(file: TextIO) -> str:
    """The first that is not blank, as far as it matters here."""
    while line := file.readline(LINE_CHARACTERS):
        if line.strip():
            return line.strip()
    return ""


def blocks(file: TextIO, *, numbered: bool) -> Iterator[Block]:
    paragraph: list[str] = []
    begun = 0
    after_blank = True
    for number, line in markdown.plain_lines(file):
        question = asks(line) and (is_numbered(line) if numbered else after_blank)
        after_blank = not line.strip()
        if paragraph and (question or after_blank):
            yield Paragraph(line=begun, text="\n".join(paragraph))
            paragraph = []
        if question:
            yield Heading(line=number, level=BOLD, text=line)
        elif not after_blank:
            begun = begun if paragraph else number
            paragraph.append(line)
    yield Paragraph(line=begun, text="\n".join(paragraph))


def asks(line: str) -> bool:
    return len(line) <= ASKED_CHARACTERS and line.rstrip().endswith(QUESTION_MARKS)


def is_numbered(line: str) -> bool:
    return LABEL.match(line.strip()) is not None
