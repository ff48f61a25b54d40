"""Checks and small readings of text that people or files bring in."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
BLANK = rf"(?:\s|{INVISIBLE.pattern})"
EDGES = re.compile(rf"^{BLANK}++|(?<!{BLANK}){BLANK}++$")
"""Looks at every blank once: a million of them inside a text cost nothing."""


class BadTextError(ValueError):
    """The text has characters that cannot be stored (NUL or a lone surrogate)."""


def storable(text: str) -> str:
    """`text` if Postgres and every embedder can take it; raises BadTextError if not."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BadTextError
    return text


def trimmed(text: str) -> str:
    """`text` without space or invisible characters at its ends."""
    return EDGES.sub("", text)


def folded(text: str) -> str:
    """A form for comparing: compatibility characters unified, case folded, space collapsed."""
    return " ".join(unicodedata.normalize("NFKC", INVISIBLE.sub("", text)).casefold().split())


def language_of(text: str) -> str:
    """The locale whose bar and phrases fit: Chinese when a fifth of the letters are Han."""
    letters = sum(character.isalpha() for character in text)
    han = len(HAN.findall(text))
    return "zh-hans" if han and han * 5 >= letters else "en"


def content_hash(wordings: Sequence[str], text: str) -> str:
    """Tells whether an answer's search entries still say what the answer says."""
    return hashlib.sha256("\0".join([*wordings, "", text]).encode()).hexdigest()
