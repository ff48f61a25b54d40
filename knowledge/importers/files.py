"""Which knowledge files a path means, and the rows in each."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from knowledge.importers import (
    csv_file,
    documents,
    docx,
    html_page,
    jsonl,
    markdown,
    text,
    text_file,
    xlsx,
)
from knowledge.importers.base import (
    PackageReader,
    Reader,
    Record,
    Row,
    RowError,
    UnreadableFileError,
)
from knowledge.importers.encoding import detect
from knowledge.importers.field_names import FieldMapError, FieldNames, field_names
from knowledge.importers.package import opened_package
from knowledge.importers.rows import row_of
from knowledge.plain_text import BadTextError, storable

Format = Literal["jsonl", "csv", "text", "markdown", "html", "xlsx", "docx", "documents"]
TEXT_READERS: dict[Format, Reader] = {
    "jsonl": jsonl.read,
    "csv": csv_file.read,
    "text": text_file.read,
    "markdown": markdown.read,
    "html": html_page.read,
    "documents": documents.read,
}
PACKAGE_READERS: dict[Format, PackageReader] = {"xlsx": xlsx.read, "docx": docx.read}
FORMATS = (TEXT_READERS | PACKAGE_READERS).keys() - {"documents"}
"""Those that somebody may name."""
SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xlsx": "xlsx",
    ".docx": "docx",
}
PACKAGE_MAGIC = b"PK\x03\x04"
PACKAGES: dict[str, Format] = {"xl": "xlsx", "word": "docx"}
"""By the folder that the package has."""
PACKAGE_ENCODING = "zip"
"""What is said instead of an encoding; the XML inside says its own."""
HTML_START = re.compile(
    r"(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
SOURCE_CHARACTERS = 120
ASIDE = ("readme", "license", "licence", "changelog")
"""What files are called that speak of a folder and are not what it is for."""
QUERIES = "queries.jsonl"
"""What `manage.py evaluate` asks: in a folder, it is no knowledge."""


class NoKnowledgeFileError(Exception):
    """There is nothing to read at a path, or nothing to name the source by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeFile:
    """A file to be read. `name` is what people call it; a format of None is found out.

    `columns` says which field a header means, where its name does not: `{"Frage": "question"}`.
    """

    path: Path
    name: str
    source: str
    format: Format | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A file that can be read, and what tells if it is changed later."""

    file: KnowledgeFile
    encoding: str
    format: Format
    stamp: tuple[int, int]


def knowledge_files(
    path: Path,
    *,
    source: str = "",
    file_format: Format | None = None,
    columns: Mapping[str, str] | None = None,
) -> list[KnowledgeFile]:
    """The file at `path`, or all knowledge files in that folder and below, in the order of names.

    The source is the name of the file without its ending, or the folder's, unless it is given.
    `columns` leads from headers to fields. Raises NoKnowledgeFileError and FieldMapError.
    """
    field_names(columns or {})
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
            columns=columns or {},
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
        if path.suffix.lower() in wanted
        and not aside(path.relative_to(folder))
        and path.name != QUERIES
        and path.is_file()
    ]
    if not found:
        endings = ", ".join(sorted(wanted))
        raise NoKnowledgeFileError(f"The folder {folder} has no file that ends in {endings}.")
    return found


def aside(path: Path) -> bool:
    """Whether a path within a folder is hidden, also by a folder on its way, or beside the point.

    `~$answers.xlsx` is what Office keeps while somebody has the workbook open.
    """
    hidden = any(part.startswith((".", "~$")) for part in path.parts)
    return hidden or path.name.partition(".")[0].lower() in ASIDE


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
    stream: BinaryIO,
    *,
    source: str,
    file_format: Format | None,
    columns: Mapping[str, str] | None = None,
    name: str = "-",
) -> Iterator[KnowledgeFile]:
    """What a stream brings, in a temporary file: it is read twice."""
    with tempfile.NamedTemporaryFile(prefix="expertline-") as copy:
        shutil.copyfileobj(stream, copy)
        copy.flush()
        yield KnowledgeFile(
            path=Path(copy.name),
            name=name,
            source=usable_source(source),
            format=file_format,
            columns=columns or {},
        )


def opened(file: KnowledgeFile) -> Text:
    """How to read the file. Raises UnreadableFileError."""
    try:
        encoding, file_format = recognised(file)
        return Text(file=file, encoding=encoding, format=file_format, stamp=stamp(file.path))
    except OSError as error:
        raise UnreadableFileError(f"The file cannot be read: {error.strerror}.") from error


def recognised(file: KnowledgeFile) -> tuple[str, Format]:
    """The encoding and the format. Raises UnreadableFileError."""
    with file.path.open("rb") as opened_file:
        packed = opened_file.read(len(PACKAGE_MAGIC)) == PACKAGE_MAGIC
    if file.format in PACKAGE_READERS and not packed:
        detect(file.path)
        raise UnreadableFileError(f"This is no {file.format.upper()} file, whatever its name says.")
    if packed and (file.format is None or file.format in PACKAGE_READERS):
        return PACKAGE_ENCODING, package_format(file)
    encoding = detect(file.path)
    return encoding, file.format or guessed_format(file.path, encoding)


def package_format(file: KnowledgeFile) -> Format:
    with opened_package(file.path) as package:
        folders = {name.partition("/")[0] for name in package.archive.namelist()}
    found = next((known for folder, known in PACKAGES.items() if folder in folders), None)
    if found is None or file.format not in {None, found}:
        raise UnreadableFileError("This ZIP archive is not the document that its name promises.")
    return found


def guessed_format(path: Path, encoding: str) -> Format:
    with path.open(encoding=encoding, newline="") as file:
        start = file.read(4096).lstrip()
    if start.startswith(("{", "[")):
        return "jsonl"
    if HTML_START.match(start):
        return "html"
    if markdown.HEADING.match(start):
        return "markdown"
    return "text" if text.QUESTION.match(start) or text.ANSWER_LINE.match(start) else "csv"


def rows(opened: Text) -> Iterator[Row | RowError]:
    """The file's rows. Raises UnreadableFileError, also if the file was changed meanwhile."""
    try:
        names = field_names(opened.file.columns)
    except FieldMapError as error:
        raise UnreadableFileError(str(error)) from None
    try:
        if stamp(opened.file.path) != opened.stamp:
            raise UnreadableFileError("The file changed while it was read. Try again.")
        for record in records(opened, names):
            yield record if isinstance(record, RowError) else row_of(record, names)
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError("The file cannot be read to its end.") from error


def records(opened: Text, names: FieldNames) -> Iterator[Record | RowError]:
    path = opened.file.path
    if opened.format in PACKAGE_READERS:
        yield from PACKAGE_READERS[opened.format](path, names)
        return
    with path.open(encoding=opened.encoding, newline="") as file:
        yield from TEXT_READERS[opened.format](file, names)


def stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
