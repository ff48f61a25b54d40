"""What changes in an answer, field by field, short enough to be read."""

from collections.abc import Mapping

from knowledge.importers.report import FieldChange

Stored = Mapping[str, object]
CHARACTERS = 60
CONTEXT = 12
"""Characters before the first difference that show where it is."""


def differences(old: Stored, new: Stored) -> tuple[FieldChange, ...]:
    """The fields whose values differ, in their order."""
    return tuple(
        field_change(name, as_text(old[name]), as_text(value))
        for name, value in new.items()
        if old[name] != value
    )


def field_change(name: str, old: str, new: str) -> FieldChange:
    start = max(0, shared(old, new) - CONTEXT)
    if max(len(old), len(new)) <= CHARACTERS:
        start = 0
    return FieldChange(name=name, old=piece(old, start), new=piece(new, start))


def shared(old: str, new: str) -> int:
    """With how many of the same characters both begin."""
    pairs = enumerate(zip(old, new, strict=False))
    shorter = min(len(old), len(new))
    return next((at for at, (before, after) in pairs if before != after), shorter)


def as_text(value: object) -> str:
    if isinstance(value, tuple):
        return " | ".join(value)
    return "" if value is None else str(value)


def piece(text: str, start: int) -> str:
    """On one line, from `start` on; an ellipsis stands for what is left out."""
    shown = text[start : start + CHARACTERS]
    visible = "".join(each if each.isprintable() else " " for each in shown)
    before = "…" if start else ""
    after = "…" if start + CHARACTERS < len(text) else ""
    return f"{before}{visible}{after}"
