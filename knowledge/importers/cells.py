"""Texts in the cells of a spreadsheet: read back as they were written, and never run.

A spreadsheet takes a cell that begins like a formula for one, whoever wrote it (CSV injection,
OWASP). An apostrophe before it says that it is text; reading takes that one away again.
"""

import json
import re
from collections.abc import Sequence

FORMULA = r"'*[\s\"]*[=+\-@＝＋－＠]"
LIKE_A_FORMULA = re.compile(FORMULA)
GUARD = re.compile(rf"'(?={FORMULA})")
"""Text that has apostrophes there already gets one more, so that what was written is known."""
WORDING_SEPARATOR = re.compile(r"\r?\n|\r|\|")


def guarded(text: str) -> str:
    return f"'{text}" if LIKE_A_FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    return cell[1:] if GUARD.match(cell) else cell


def wordings_cell(wordings: Sequence[str]) -> str:
    """All wordings in one cell: on lines of their own or, if those would be misread, as JSON."""
    lines = "\n".join(wordings)
    if not wordings or wordings_in(lines) == [*wordings]:
        return lines
    return json.dumps([*wordings], ensure_ascii=False)


def wordings_in(cell: str) -> list[str]:
    """What stands on lines or between `|`; a JSON list of texts is taken as it is."""
    return json_texts(cell) or WORDING_SEPARATOR.split(cell)


def json_texts(cell: str) -> list[str]:
    """[] if the cell is anything else."""
    try:
        value = json.loads(cell) if cell.startswith('["') else []
    except (ValueError, RecursionError):
        return []
    texts = value if isinstance(value, list) else []
    return texts if all(isinstance(text, str) for text in texts) else []
