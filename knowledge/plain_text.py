"""Checks and small readings of text that people or files bring in."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""What Unicode calls default ignorable, and a few separators that show nothing either."""
INVISIBLE = re.compile(f"[{IGNORABLE}]")
STYLED = "[#*0-9\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff]"
EMOJI = "[\u2600-\u27bf\U0001f000-\U0001faff]"
HIDDEN = re.compile(
    f"[{IGNORABLE}](?<!{STYLED}[\ufe0e\ufe0f])"
    f"(?<!{EMOJI}\u200d(?={EMOJI}))(?<!{STYLED}\ufe0f\u200d(?={EMOJI}))"
)
"""An invisible character that is no part of an emoji: those need some to be one picture."""


class BadTextError(ValueError):
    """The text has characters that cannot be stored (NUL or a lone surrogate)."""


def storable(text: str) -> str:
    """`text` if Postgres and every embedder can take it; raises BadTextError if not."""
    if UNSTORABLE.search(text):
        raise BadTextError
    return text


def repaired(text: str) -> str:
    """`text` made storable: without NUL, and with U+FFFD for half a pair, which UTF-8 lacks."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "")


def visible(text: str) -> str:
    """`text` without characters that nobody sees, and without space at its ends."""
    return HIDDEN.sub("", text).strip()


def folded(text: str) -> str:
    """A form for comparing: compatibility characters unified, case folded, space collapsed."""
    return " ".join(unicodedata.normalize("NFKC", INVISIBLE.sub("", text)).casefold().split())


def language_of(text: str) -> str:
    """The locale whose bar and phrases fit: Chinese when a fifth of the letters are Han."""
    letters = sum(map(str.isalpha, text))
    han = len(HAN.findall(text))
    return "zh-hans" if han and han * 5 >= letters else "en"


def content_hash(wordings: Sequence[str], text: str) -> str:
    """Tells whether an answer's search entries still say what the answer says."""
    return hashlib.sha256("\0".join([*wordings, "", text]).encode()).hexdigest()
