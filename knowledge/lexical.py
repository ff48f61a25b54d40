"""Text to search terms: character bigrams for Chinese, stemmed words for the rest.

Bigrams need no dictionary and beat a word segmenter on the long, narrative questions that parents
write (docs/architecture.md has the figures).
"""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

import snowballstemmer

from knowledge.common_names import commonly_named
from knowledge.plain_text import HAN

LETTER = rf"(?:(?!{HAN.pattern})[^\W_])"
TOKEN = re.compile(rf"{HAN.pattern}+|{LETTER}+(?:'{LETTER}+)?")
TERM_CHARACTERS = 64
STOP_WORDS = frozenset(
    """a about after all also am an and any are as at be because been before being but by can could
    did do does doing don't for from get had has have having he her here hers him his how i i'm if
    in into is it it's its just me more most my no not now of off on one only or other our out over
    own same she should so some such than that the their them then there these they this those to
    too up us very was we were what when where which while who whom why will with would you
    your""".split()
)
_stemmer = snowballstemmer.stemmer("english")


def terms(text: str) -> Counter[str]:
    """How often each term occurs in `text`; each at most 64 characters long."""
    counts: Counter[str] = Counter()
    for token in TOKEN.findall(unified(text)):
        if HAN.match(token):
            counts.update(bigrams(token))
        elif token not in STOP_WORDS:
            counts[stem(token)] += 1
    return counts


def unified(text: str) -> str:
    normalized = unicodedata.normalize("NFKC", text)
    return commonly_named(normalized).casefold().replace("’", "'")


def bigrams(run: str) -> list[str]:
    """Pairs of neighbours; a character that stands alone is a term itself."""
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    return str(_stemmer.stemWord(word))[:TERM_CHARACTERS]
