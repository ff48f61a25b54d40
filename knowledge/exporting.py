"""Writes answers so that ingest reads them back unchanged.

What is archived is left out: it is out of use, and in another base ingest would bring it back.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import BinaryIO, Literal

from django.db import connection, transaction
from django.db.models import Count, F, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce, NullIf

from knowledge import workbook
from knowledge.importers.base import shown
from knowledge.importers.canonical import CANONICAL, canonical
from knowledge.importers.cells import guarded, wordings_cell
from knowledge.importers.rows import LINE_ENDS
from knowledge.importers.table import CELL_CHARACTERS
from knowledge.models import Answer

Shape = dict[str, str | bool | list[str]]
Format = Literal["csv", "jsonl", "xlsx"]
AT_ONCE = 500
EXPORTED_ID = Coalesce(
    NullIf(F("external_id"), Value("")), Cast("uid", TextField()), output_field=TextField()
)
"""What was written in the admin has no id of a source."""


class UnexportableError(Exception):
    """These answers cannot be written so that ingest reads them back; the sentence says why."""


def export(file: BinaryIO, file_format: Format, *, source: str = "") -> int:
    """Write the answers of a source, or all, in the order in which they came in; how many.

    Holds a few hundred at a time, all as they are at one moment. Raises UnexportableError.
    """
    with one_moment():
        answers = live_answers(source)
        refuse_shared_ids(answers)
        counted = Counted(map(shape_of, answers.iterator(chunk_size=AT_ONCE)))
        WRITERS[file_format](file, counted)
    return counted.count


class Counted:
    """Passes shapes on, and knows how many there were and which was the last."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        self._shapes = shapes
        self.count = 0
        self.last = ""

    def __iter__(self) -> Iterator[Shape]:
        for shape in self._shapes:
            self.count += 1
            self.last = str(shape["id"])
            yield shape


@contextmanager
def one_moment() -> Iterator[None]:
    """Nothing that is stored meanwhile is seen."""
    fresh = not connection.in_atomic_block
    with transaction.atomic():
        if fresh:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def live_answers(source: str) -> QuerySet[Answer]:
    answers = Answer.objects.exclude(status=Answer.Status.ARCHIVED)
    if source:
        answers = answers.filter(source=source)
        if not answers.exists():
            raise UnexportableError(f"No answer in use is from the source {shown(source)}.")
    return answers.order_by("pk").prefetch_related("questions")


def refuse_shared_ids(answers: QuerySet[Answer]) -> None:
    """A file has each id once, but two sources may have the same."""
    ids = answers.order_by().values(exported_id=EXPORTED_ID)
    shared = ids.annotate(answers=Count("pk")).filter(answers__gt=1).order_by("exported_id")[:1]
    for each in shared:
        raise UnexportableError(
            f"Several sources have an answer with the id {shown(each['exported_id'])}."
            " Export them one by one with --source."
        )


def shape_of(answer: Answer) -> Shape:
    """The answer's fields, their lines ended as ingest ends them."""
    wordings = [LINE_ENDS.sub("\n", question.text) for question in answer.questions.all()]
    answer.text = LINE_ENDS.sub("\n", answer.text)
    answer.basis = LINE_ENDS.sub("\n", answer.basis)
    return canonical(answer, answer.external_id or str(answer.uid), wordings)


def write_jsonl(file: BinaryIO, shapes: Counted) -> None:
    for shape in shapes:
        file.write(f"{json.dumps(shape, ensure_ascii=False)}\n".encode())


def write_csv(file: BinaryIO, shapes: Counted) -> None:
    """With a byte order mark, without which spreadsheets take UTF-8 for something else."""
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    try:
        for row in table(shapes):
            if any(len(cell) > CELL_CHARACTERS for cell in row):
                raise UnexportableError(unwritable(shapes, "It is too long for a cell."))
            writer.writerow(row)
    finally:
        text.detach()


def write_xlsx(file: BinaryIO, shapes: Counted) -> None:
    try:
        workbook.write(file, table(shapes))
    except workbook.UnwritableCellError as error:
        raise UnexportableError(unwritable(shapes, str(error))) from error


def unwritable(shapes: Counted, reason: str) -> str:
    return f"The answer {shown(shapes.last)} cannot be written. {reason} Use --format jsonl."


def table(shapes: Counted) -> Iterator[list[str]]:
    yield [*CANONICAL]
    for shape in shapes:
        yield [guarded(cell_of(shape.get(name, ""))) for name in CANONICAL]


def cell_of(value: str | bool | list[str]) -> str:  # noqa: FBT001  (a value, not a flag)
    if isinstance(value, list):
        return wordings_cell(value)
    return value if isinstance(value, str) else str(value).lower()


WRITERS: dict[Format, Callable[[BinaryIO, Counted], None]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "xlsx": write_xlsx,
}
