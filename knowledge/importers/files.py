"""Which knowledge files a path means, and the rows in each."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from knowledge.importers import csv_file, jsonl, text
from knowledge.importers.base import Reader, Row, RowError, UnreadableFileError, shown
from knowledge.importers.encoding import detect
from knowledge.importers.rows import row_of
from knowledge.plain_text import BadTextError, storable

Format = Literal["jsonl", "csv", "text"]
READERS: dict[Format, Reader] = {"jsonl": jsonl.read, "csv": csv_file.read, "text": text.read}
SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "text",
}
SOURCE_CHARACTERS = 120


class NoKnowledgeFileError(Exception):
    """There is nothing to read at a path, or nothing to name the source by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeFile:
    """A file to be read. `name` is what people call it; a format of None is found out."""

    path: Path
    name: str
    source: str
    format: Format | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A file that can be read as text, and what tells if it is changed later."""

    file: KnowledgeFile
    encoding: str
    format: Format
    stamp: tuple[int, int]


def knowledge_files(
    path: Path, *, source: str = "", file_format: Format | None = None
) -> list[KnowledgeFile]:
    """The file at `path`, or all knowledge files in that folder and below, in the order of names.

    The source is the name of the file without its ending, or the folder's, unless it is given.
    """
    if path.is_dir():
        found = files_in(path, file_format)
        source = source or path.resolve().name
    elif path.is_file():
        found = [path]
        source = source or path.stem
    else:
        raise NoKnowledgeFileError(f"There is no file or folder {path}.")
    source = usable_source(source)
    return [
        KnowledgeFile(
            path=each,
            name=str(each),
            source=source,
            format=file_format or SUFFIXES.get(each.suffix.lower()),
        )
        for each in found
    ]


def files_in(folder: Path, file_format: Format | None) -> list[Path]:
    wanted = {
        suffix for suffix, known in SUFFIXES.items() if file_format is None or known == file_format
    }
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in wanted and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        endings = ", ".join(sorted(wanted))
        raise NoKnowledgeFileError(f"The folder {folder} has no file that ends in {endings}.")
    return found


def usable_source(source: str) -> str:
    try:
        name = storable(source).strip()
    except BadTextError:
        name = ""
    if not name or len(name) > SOURCE_CHARACTERS:
        raise NoKnowledgeFileError(
            f"A source needs a name of at most {SOURCE_CHARACTERS} characters (see --source)."
        )
    return name


@contextmanager
def spooled(
    stream: BinaryIO, *, source: str, file_format: Format | None
) -> Iterator[KnowledgeFile]:
    """What a stream brings, in a temporary file: it is read twice."""
    with tempfile.NamedTemporaryFile(prefix="expertline-") as copy:
        shutil.copyfileobj(stream, copy)
        copy.flush()
        yield KnowledgeFile(
            path=Path(copy.name), name="-", source=usable_source(source), format=file_format
        )


def opened(file: KnowledgeFile) -> Text:
    """How to read the file. Raises UnreadableFileError."""
    try:
        encoding = detect(file.path)
        return Text(
            file=file,
            encoding=encoding,
            format=file.format or guessed_format(file.path, encoding),
            stamp=stamp(file.path),
        )
    except OSError as error:
        raise UnreadableFileError(f"The file cannot be read: {error.strerror}.") from error


def guessed_format(path: Path, encoding: str) -> Format:
    with path.open(encoding=encoding, newline="") as file:
        start = file.read(4096).lstrip()
    if start.startswith(("{", "[")):
        return "jsonl"
    return "text" if text.QUESTION.match(start) or text.ANSWER_LINE.match(start) else "csv"


def rows(opened: Text) -> Iterator[Row | RowError]:
    """The file's rows. Raises UnreadableFileError, also if the file was changed meanwhile."""
    path = opened.file.path
    try:
        with path.open(encoding=opened.encoding, newline="") as file:
            if stamp(path) != opened.stamp:
                raise UnreadableFileError("The file changed while it was read. Try again.")
            for record in READERS[opened.format](file):
                yield record if isinstance(record, RowError) else row_of(record)
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError("The file cannot be read to its end.") from error


Ids = dict[tuple[str, str], str]
"""Where each id of a source was seen first."""


def distinct(text: Text, ids: Ids) -> Iterator[Row | RowError]:
    """The file's rows; one whose id was seen before is an error."""
    for row in rows(text):
        if isinstance(row, RowError):
            yield row
            continue
        key = (text.file.source, row.external_id)
        if key in ids:
            message = f"The id {shown(row.external_id)} is already at {ids[key]}."
            yield RowError(line=row.line, message=message)
        else:
            ids[key] = f"{text.file.name}:{row.line}"
            yield row


def stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
