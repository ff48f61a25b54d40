"""Parameters of a request that a server may not know: who gets which, and which were refused."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from chat.turn.events import JsonValue

T = TypeVar("T")

OPENAI_HOST = "api.openai.com"

UNKNOWN_TO: dict[str, frozenset[str]] = {
    "api.deepseek.com": frozenset({"store", "user"}),
    "aliyuncs.com": frozenset({"store", "user"}),
    "api.moonshot.cn": frozenset({"store", "user"}),
    "api.moonshot.ai": frozenset({"store", "user"}),
    "minimax.io": frozenset({"store", "user"}),
    "minimax.chat": frozenset({"store", "user"}),
    "minimaxi.com": frozenset({"store", "user"}),
    "api.mistral.ai": frozenset({"store", "user"}),
    "generativelanguage.googleapis.com": frozenset({"store", "user"}),
}
"""What these hosts, and those below them, do not document: some ignore it, some refuse it."""

TEMPERATURES: dict[str, tuple[float, float]] = {
    "minimax.io": (0.01, 1.0),
    "minimax.chat": (0.01, 1.0),
    "minimaxi.com": (0.01, 1.0),
}
"""The least and the most where these differ from OpenAI's 0 and 2."""

THINKING: dict[str, dict[str, JsonValue]] = {
    "api.deepseek.com": {"thinking": {"type": "disabled"}},
    "api.moonshot.cn": {"thinking": {"type": "disabled"}},
    "api.moonshot.ai": {"thinking": {"type": "disabled"}},
    "minimax.io": {"reasoning_split": True},
    "minimax.chat": {"reasoning_split": True},
    "minimaxi.com": {"reasoning_split": True},
}
"""DeepSeek and Moonshot think unless told otherwise, and then refuse a tool's result that comes
without the thoughts before the call, which we do not keep. MiniMax mixes thoughts into the text."""

OTHER_REASONS = frozenset({"content_filter", "context_length_exceeded", "model_not_found"})
"""Codes of refusals that no smaller request would change."""


def optional_parameters(
    host: str, *, temperature: float | None, visitor: str
) -> dict[str, JsonValue]:
    """Usage is asked for, keeping the exchange is not; `visitor` is a hash, or empty."""
    parameters: dict[str, JsonValue] = {
        "stream_options": {"include_usage": True},
        "store": False,
    }
    parameters |= _entry(THINKING, host) or {}
    if visitor:
        parameters["safety_identifier" if host == OPENAI_HOST else "user"] = visitor
    if temperature is not None:
        least, most = _entry(TEMPERATURES, host) or (0.0, 2.0)
        parameters["temperature"] = min(max(temperature, least), most)
    unknown = _entry(UNKNOWN_TO, host) or frozenset()
    return {name: value for name, value in parameters.items() if name not in unknown}


def refused(names: Iterable[str], *, parameter: str, message: str) -> set[str]:
    """Which of these a refusal is about: the parameter that it gives, else those it mentions."""
    offered = set(names)
    if named := {re.split(r"[.\[]", parameter)[0]} & offered:
        return named
    return {name for name in offered if re.search(rf"\b{name}\b", message)}


def _entry(table: Mapping[str, T], host: str) -> T | None:
    names = host.split(".")
    above = [".".join(names[position:]) for position in range(len(names))]
    return next((table[name] for name in above if name in table), None)
