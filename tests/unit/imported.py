"""What an importer makes of a file's content: its good rows and its errors."""

import io
from collections.abc import Iterable

from knowledge.importers.base import Reader, Row, RowError
from knowledge.importers.rows import row_of

CHINESE = "编号,问题,答案\r\n1,孩子不说话怎么办？,先做听力检查。\r\n"


def read(reader: Reader, content: str) -> list[Row | RowError]:
    records = reader(io.StringIO(content, newline=""))
    return [each if isinstance(each, RowError) else row_of(each) for each in records]


def errors(found: Iterable[Row | RowError]) -> dict[int, str]:
    return {each.line: each.message for each in found if isinstance(each, RowError)}


def good(found: Iterable[Row | RowError]) -> list[Row]:
    return [each for each in found if isinstance(each, Row)]
