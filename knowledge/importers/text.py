"""Text files of documents `question: … answer: …`, also 问题：… 答案：… and Q1: … A1: …

A document begins where a line begins with `question:`, and the answer before it ends there. Several
documents may share a line if each is written out. Blank lines and `---` may stand between them.
"""

import re
from collections.abc import Iterator
from typing import TextIO

from knowledge.importers.base import Record, RowError
from knowledge.importers.field_names import FieldNames
from knowledge.importers.lines import numbered_lines

DOCUMENT_CHARACTERS = 200_000
"""More than a question with an answer may have; a longer one is not kept whole."""
BLANK = r"[^\S\r\n]*"
COLON = rf"{BLANK}[:：]\s*"
BOUNDARY = r"(?<=[\s.?!;。？！；])"
FLAGS = re.IGNORECASE | re.MULTILINE

NUMBER = r"(?:\s?[0-9]{1,4}|[一二三四五六七八九十]{1,3})?"
QUESTION = re.compile(rf"{BLANK}(?:questions?|问题|(?P<short>问|q)){NUMBER}{COLON}", FLAGS)
QUESTION_WITHIN = re.compile(rf"{BOUNDARY}(?=(?:question|问题){NUMBER}{COLON})", FLAGS)
ANSWER_LINE = re.compile(rf"^{BLANK}(?:answers?|答案|回答|答|a){NUMBER}{COLON}", FLAGS)
ANSWER_WITHIN = re.compile(rf"(?:(?<![a-z0-9_])answers?|答案|回答){NUMBER}{COLON}", FLAGS)
ANSWER = re.compile(rf"{ANSWER_LINE.pattern}|{ANSWER_WITHIN.pattern}", FLAGS)
SHORT_ANSWER = re.compile(rf"{ANSWER.pattern}|{BOUNDARY}(?:a|答){NUMBER}{COLON}", FLAGS)
SECOND_ANSWER = re.compile(rf"^{BLANK}(?:answer|答案|回答){NUMBER}{COLON}", FLAGS)
RULE = re.compile(r"\s*(?:-{3,}\s*)?")
"""A line between documents: blank, or of hyphens."""


class Document:
    """The lines of a document while they come in."""

    def __init__(self) -> None:
        self.line = 0
        self._lines: list[str] = []
        self._characters = 0
        self._ruled = False

    def ends_before(self, line: str) -> bool:
        return bool(QUESTION.match(line) or (self._ruled and ANSWER_LINE.match(line)))

    def add(self, number: int, line: str) -> None:
        if not self._lines:
            self.line = number
        between = RULE.fullmatch(line) is not None
        self._ruled = (self._ruled or bool(line.strip())) if between else False
        if not self.too_long and (self._lines or not between):
            self._lines.append(line)
            self._characters += len(line)

    @property
    def too_long(self) -> bool:
        return self._characters > DOCUMENT_CHARACTERS

    @property
    def text(self) -> str:
        last = len(self._lines)
        while last and RULE.fullmatch(self._lines[last - 1]):
            last -= 1
        return "".join(self._lines[:last])


def read(file: TextIO, _names: FieldNames) -> Iterator[Record | RowError]:
    return documents_of(file)


def documents_of(file: TextIO) -> Iterator[Record | RowError]:
    for document in documents(file):
        if document.too_long:
            message = f"The document has more than {DOCUMENT_CHARACTERS:,} characters."
            yield RowError(line=document.line, message=message)
        elif document.text:
            yield record(document.line, document.text)


def documents(file: TextIO) -> Iterator[Document]:
    document = Document()
    for number, line in numbered_lines(file):
        for piece in written_out(line):
            if document.ends_before(piece):
                yield document
                document = Document()
            document.add(number, piece)
    yield document


def written_out(line: str) -> list[str]:
    """The documents that share a line. A `question:` without its `answer:` begins none."""
    documents: list[list[str]] = []
    complete = False
    for part in QUESTION_WITHIN.split(line) if QUESTION.match(line) else [line]:
        answered = ANSWER_WITHIN.search(part) is not None
        if documents and not (answered and complete):
            documents[-1].append(part)
            complete |= answered
        else:
            documents.append([part])
            complete = answered
    return ["".join(parts) for parts in documents]


def record(line: int, text: str) -> Record | RowError:
    question = QUESTION.match(text)
    body = text[question.end() :] if question else text
    answer = (SHORT_ANSWER if question and question["short"] else ANSWER).search(body)
    if not question and not (answer and answer.start() == 0):
        message = (
            "This text belongs to no question; a document begins with “question:” or “问题：”."
        )
        return RowError(line=line, message=message)
    if answer is None:
        return Record(line=line, fields=(("question", body),))
    if SECOND_ANSWER.search(body, answer.end()):
        message = "The document has two answers; a new one begins with “question:” or after “---”."
        return RowError(line=line, message=message)
    return Record(
        line=line, fields=(("question", body[: answer.start()]), ("answer", body[answer.end() :]))
    )
