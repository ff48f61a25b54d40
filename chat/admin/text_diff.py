"""What changed between two versions of texts, for a reader: by sentence first, then by word."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from chat.admin.prompt_form import label_of
from chat.prompts import TEXT_NAMES
from chat.turn.prompt import Texts

SENTENCE = re.compile(r"[^\n。！？!?.]*(?:\n|[。！？!?.]+[”」』\"')]*\s*|\Z)")
WORD = re.compile(r"\{\w+\}|[A-Za-z0-9_'’-]+|\s+|.", re.DOTALL)
"""A placeholder, a word of letters, or one character, as which Chinese is compared."""
MOST_WORDS = 1_000
"""Longer passages are not compared word by word: the matcher is slower than quadratic."""
LEAST_ALIKE = 0.4
"""Below this, a passage was written anew, and its common words are chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    kind: Literal["same", "removed", "added"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextChange:
    label: Any
    """Translated when it is shown."""
    pieces: tuple[Piece, ...]


def changes(before: Texts, after: Texts) -> list[TextChange]:
    """One for each text that differs."""
    return [
        TextChange(label=label_of(name), pieces=difference(old, new))
        for name in TEXT_NAMES
        if (old := getattr(before, name)) != (new := getattr(after, name))
    ]


def difference(before: str, after: str) -> tuple[Piece, ...]:
    """Pieces that make up `before` without the added ones, and `after` without the removed."""
    return tuple(merged(by_sentence(before, after)))


def by_sentence(before: str, after: str) -> Iterator[Piece]:
    for old, new in aligned(SENTENCE.findall(before), SENTENCE.findall(after)):
        if old == new:
            yield Piece(kind="same", text=old)
        else:
            yield from by_word(old, new)


def by_word(before: str, after: str) -> Iterator[Piece]:
    old_words, new_words = WORD.findall(before), WORD.findall(after)
    if max(len(old_words), len(new_words)) > MOST_WORDS or not alike(old_words, new_words):
        yield from replaced(before, after)
        return
    for old, new in aligned(old_words, new_words):
        if old == new:
            yield Piece(kind="same", text=old)
        else:
            yield from replaced(old, new)


def alike(before: Sequence[str], after: Sequence[str]) -> bool:
    return SequenceMatcher(None, before, after, autojunk=False).ratio() >= LEAST_ALIKE


def aligned(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Passages that belong together, in order."""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for _tag, start, end, new_start, new_end in matcher.get_opcodes():
        yield "".join(before[start:end]), "".join(after[new_start:new_end])


def replaced(before: str, after: str) -> Iterator[Piece]:
    if before:
        yield Piece(kind="removed", text=before)
    if after:
        yield Piece(kind="added", text=after)


def merged(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Neighbours of one kind as one."""
    waiting: Piece | None = None
    for piece in pieces:
        if waiting and waiting.kind == piece.kind:
            waiting = Piece(kind=piece.kind, text=waiting.text + piece.text)
            continue
        if waiting:
            yield waiting
        waiting = piece
    if waiting:
        yield waiting
