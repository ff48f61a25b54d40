"""What the doctor says."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One part of the installation. Holds no secret and no text of an exception.

    A problem keeps something from working; a warning may become one. `remedy` says what to do.
    """

    part: str
    level: Level
    message: str
    remedy: str = ""


def ok(part: str, message: str) -> Finding:
    return Finding(part=part, level="ok", message=message)


def warning(part: str, message: str, remedy: str = "") -> Finding:
    return Finding(part=part, level="warning", message=message, remedy=remedy)


def problem(part: str, message: str, remedy: str = "") -> Finding:
    return Finding(part=part, level="problem", message=message, remedy=remedy)
