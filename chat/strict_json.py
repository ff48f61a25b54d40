"""JSON from strangers: bounded in size, depth and keys, and nothing that Postgres cannot store."""

import json
import math
import re
from typing import NoReturn

from chat.turn.events import JsonValue

MAX_DEPTH = 16
MAX_KEYS = 64
MAX_INTEGER = 2**53
STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


class BadJsonError(ValueError):
    """The text is not what a client may send; `code` is protocol.md's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse_object(text: str) -> dict[str, JsonValue]:
    """One JSON object. Raises BadJsonError."""
    if depth(text) > MAX_DEPTH:
        raise BadJsonError("too_deep")
    try:
        value = json.loads(
            text,
            object_pairs_hook=unique_keys,
            parse_int=small_integer,
            parse_float=finite,
            parse_constant=refuse_number,
        )
    except BadJsonError:
        raise
    except ValueError:
        raise BadJsonError("bad_json") from None
    if not isinstance(value, dict):
        raise BadJsonError("not_object")
    return value


def depth(text: str) -> int:
    """How deep brackets nest outside strings; looked at before the recursive parser is."""
    deepest = level = 0
    for character in STRING.sub("", text):
        if character in "[{":
            level += 1
            deepest = max(deepest, level)
        elif character in "]}":
            level -= 1
    return deepest


def unique_keys(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadJsonError("duplicate_key")
    if len(value) > MAX_KEYS:
        raise BadJsonError("too_large")
    return value


def small_integer(digits: str) -> int:
    if len(digits) > len(str(MAX_INTEGER)) + 1 or abs(int(digits)) > MAX_INTEGER:
        raise BadJsonError("bad_number")
    return int(digits)


def finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise BadJsonError("bad_number")
    return value


def refuse_number(_name: str) -> NoReturn:
    raise BadJsonError("bad_number")
