"""Tables, wherever they stand: a row that names the columns, then a record a row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from knowledge.importers import suspicion
from knowledge.importers.base import Record, RowError, UnreadableFileError, at_sheet
from knowledge.importers.cells import unguarded, wordings_in
from knowledge.importers.field_names import IGNORE, FieldMapError, FieldNames

CELL_CHARACTERS = 150_000
"""Holds as many wordings as a row may have, each at its limit."""
COLUMNS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A row's cells, and why it cannot be used if that is known already."""

    line: int
    cells: Sequence[str]
    error: str = ""
    hidden: bool = False
    """Whether the table does not show it."""
    unseen: frozenset[int] = frozenset()
    """The numbers of cells, from 0, that the table does not show."""

    @property
    def filled(self) -> bool:
        return bool(self.error) or any(map(str.strip, self.cells))


def names_an_answer(cells: Sequence[str], names: FieldNames) -> bool:
    """Whether this may be the row that names the columns."""
    return any(names.field_of(cell) == "answer" for cell in cells)


def check_header(cells: Sequence[str], names: FieldNames) -> None:
    """Raises UnreadableFileError."""
    check_columns(cells)
    check_mapped(cells, names)
    if not names_an_answer(cells, names):
        raise UnreadableFileError(
            "The first row must name the columns, and one of them must be “answer” or “答案”."
        )


def check_columns(cells: Sequence[str]) -> None:
    if len(cells) > COLUMNS:
        raise UnreadableFileError(f"The file has {len(cells):,} columns; {COLUMNS} are allowed.")


def check_mapped(cells: Sequence[str], names: FieldNames) -> None:
    """Raises UnreadableFileError if a column is missing that the owner of the file speaks of."""
    try:
        names.check(cells)
    except FieldMapError as error:
        raise UnreadableFileError(str(error)) from None


def records(
    header: Sequence[str], rows: Iterable[TableRow], names: FieldNames, sheet: str = ""
) -> Iterator[Record | RowError]:
    """What stands below the header; rows without any text are left out."""
    return (record(header, row, names, sheet) for row in rows if row.filled)


def record(
    header: Sequence[str], row: TableRow, names: FieldNames, sheet: str
) -> Record | RowError:
    fields = tuple(named(header, row.cells, names))
    error = row.error or flaw(header, row.cells)
    if error:
        return RowError(line=row.line, message=at_sheet(sheet, error), fields=fields)
    hidden = row.hidden or any(matters(header, row, names, cell) for cell in row.unseen)
    suspicious = (suspicion.CONCEALED,) if hidden else ()
    return Record(line=row.line, fields=fields, sheet=sheet, suspicious=suspicious)


def matters(header: Sequence[str], row: TableRow, names: FieldNames, cell: int) -> bool:
    """Whether a cell has something that visitors would be told: ids are hidden everywhere."""
    shown_to_nobody = {None, IGNORE, "id"}
    return bool(row.cells[cell].strip()) and names.field_of(header[cell]) not in shown_to_nobody


def flaw(header: Sequence[str], cells: Sequence[str]) -> str:
    """What is wrong with the form of a row, "" if nothing is."""
    if any(map(str.strip, cells[len(header) :])):
        return f"The row has {len(cells)} cells, but the first row names {len(header)} columns."
    if any(len(cell) > CELL_CHARACTERS for cell in cells):
        return f"A cell has more than {CELL_CHARACTERS:,} characters."
    return ""


def named(
    header: Sequence[str], cells: Sequence[str], names: FieldNames
) -> Iterator[tuple[str, object]]:
    """Cells by the names of their columns; those beyond the header by their numbers."""
    for number, cell in enumerate(cells):
        name = header[number] if number < len(header) else f"column {number + 1}"
        if name.strip() and (cell or number < len(header)):
            yield name, value(names.field_of(name), cell)


def value(field: str | None, cell: str) -> object:
    """The cell's text; several wordings for a column of questions."""
    text = unguarded(cell)
    return wordings_in(text) if field == "question" else text
