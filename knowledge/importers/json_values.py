"""Values of JSON as rows may have them; what may not be stored stands there as a Flaw."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.importers.base import shown

DEPTH = 16
DIGITS = 100


@dataclass(frozen=True, slots=True)
class Flaw:
    """Stands where JSON has something that may not be stored, so that what follows can be read."""

    message: str
    text: str = ""
    """How an element of an array is written that is no JSON: its lines may hold others."""


def decoded(text: str) -> object:
    """The value, or a Flaw for what is not JSON."""
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        return flaw_of(error)


def flaw_in(value: object) -> Flaw | None:
    """The first flaw anywhere in `value`, or its depth if that is one."""
    level = [value]
    for _ in range(DEPTH + 1):
        inner = [child for node in level for child in children(node)]
        flaw = next((child for child in inner if isinstance(child, Flaw)), None)
        if flaw or not inner:
            return flaw
        level = inner
    return Flaw(f"The row is nested more than {DEPTH} deep.")


def children(node: object) -> Sequence[object]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def flaw_of(error: ValueError | RecursionError) -> Flaw:
    if isinstance(error, json.JSONDecodeError):
        return Flaw(
            f"This is not JSON: {error.msg[0].lower()}{error.msg[1:]}, column {error.colno}."
        )
    return Flaw(f"The row is nested more than {DEPTH} deep.")


def unique_names(pairs: list[tuple[str, object]]) -> object:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    names = [name for name, _ in pairs]
    twice = next(name for name in members if names.count(name) > 1)
    return Flaw(f"The key {shown(twice)} comes twice in one object.")


def no_number(constant: str) -> Flaw:
    return Flaw(f"{constant} is not a value of JSON.")


def whole_number(digits: str) -> int | Flaw:
    return int(digits) if len(digits) <= DIGITS else Flaw(f"A number has over {DIGITS} digits.")


DECODER = json.JSONDecoder(
    object_pairs_hook=unique_names, parse_constant=no_number, parse_int=whole_number
)
