"""Which ids the files of a run hold: a row whose id was seen before is an error.

An id is remembered as 64 bits of a hash and a place, some 100 bytes, so that a million of them fit.
"""

import hashlib
from collections.abc import Iterator

from knowledge.importers.base import Row, RowError, shown
from knowledge.importers.canonical import canonical
from knowledge.importers.files import Text, rows
from knowledge.importers.rows import identity

LINE_BITS = 40


class Identities:
    """Where each id of a source was seen first.

    That two of a million ids share their 64 bits has a chance of one in forty million; the row
    would be refused, and nothing lost.
    """

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self._names: list[str] = []

    def distinct(self, text: Text) -> Iterator[Row | RowError]:
        """The file's rows; one whose id was seen before is an error."""
        self._names.append(text.file.name)
        file = len(self._names) - 1 << LINE_BITS
        for row in rows(text):
            if isinstance(row, RowError):
                yield row
                continue
            key = mark(text.file.source, row.external_id)
            if key in self._places:
                yield self._twice(row, self._places[key])
            else:
                self._places[key] = file | row.line
                yield row

    def forget(self) -> None:
        """Begin anew: the files are read once more."""
        self._places.clear()
        self._names.clear()

    def has(self, source: str, external_id: str) -> bool:
        return mark(source, external_id) in self._places

    def _twice(self, row: Row, place: int) -> RowError:
        first = f"{self._names[place >> LINE_BITS]}:{place & (1 << LINE_BITS) - 1}"
        unnamed = row.external_id == identity(row.wordings, row.text)
        message = f"The id {shown(row.external_id)} is already at {first}."
        if unnamed:  # neither said by the file nor to be kept: it changes with the question
            message = f"{named_by(row)} is already at {first}; an id would tell them apart."
        external_id = "" if unnamed else row.external_id
        return RowError(
            line=row.line,
            message=message,
            fields=tuple(canonical(row, external_id, row.wordings).items()),
        )


def named_by(row: Row) -> str:
    """What a row without an id is known by."""
    return f"The question {shown(row.wordings[0])}" if row.wordings else "The same answer"


def mark(source: str, external_id: str) -> int:
    digest = hashlib.blake2b(f"{source}\0{external_id}".encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "big")
