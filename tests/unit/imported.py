"""What an importer makes of a file's content: its good rows and its errors."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from knowledge.importers.base import Reader, Row, RowError
from knowledge.importers.field_names import USUAL, FieldNames
from knowledge.importers.files import knowledge_files, opened, rows
from knowledge.importers.rows import row_of

CHINESE = "编号,问题,答案\r\n1,孩子不说话怎么办？,先做听力检查。\r\n"


def read(reader: Reader, content: str, names: FieldNames = USUAL) -> list[Row | RowError]:
    records = reader(io.StringIO(content, newline=""), names)
    return [each if isinstance(each, RowError) else row_of(each, names) for each in records]


def file_rows(path: Path, columns: Mapping[str, str] | None = None) -> list[Row | RowError]:
    """What becomes of a file, whatever its format."""
    (file,) = knowledge_files(path, columns=columns)
    return list(rows(opened(file)))


def errors(found: Iterable[Row | RowError]) -> dict[int, str]:
    return {each.line: each.message for each in found if isinstance(each, RowError)}


def good(found: Iterable[Row | RowError]) -> list[Row]:
    return [each for each in found if isinstance(each, Row)]
