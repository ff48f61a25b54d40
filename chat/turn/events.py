"""What happens in a turn, in the order in which a reader sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

Finish = Literal["stop", "length", "no_answer", "content_filter"]
Grounding = Literal["answer", "verbatim", "none"]
RestartReason = Literal["worker_lost", "upstream", "ungrounded"]
Status = Literal["done", "stopped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An expert's answer that a reply rests on, as it was when the reply was written."""

    answer: str
    version: int
    title: str
    expert: str
    role: str
    reviewed_at: date | None
    overdue: bool
    score: float
    text: str
    url: str | None
    certain: bool = False
    """As far as the search can tell, it is what the question is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of all rounds of a turn; estimated where the provider did not say."""

    input_tokens: int
    output_tokens: int
    estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An attempt to answer has begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searching:
    """The experts' answers are searched for this question."""

    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How many answers came near enough to be used."""

    hits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """The next piece of the reply's text; never empty."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Characters `start` to `end` (UTF-16 units) are a finished Markdown block; its safe HTML."""

    start: int
    end: int
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the visitor should know while waiting."""

    code: str
    retry_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """Keep the first `keep` characters (UTF-16 units); what follows replaces the rest."""

    keep: int
    why: RestartReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a turn ended, without its text. The last event of the pure loop.

    `model`, `prompt_version` and `space` (the embedding space) tell what wrote the reply;
    `missed_calls` counts the rounds in which the model should have searched and did not.
    """

    status: Status = "done"
    finish: Finish = "stop"
    grounding: Grounding = "none"
    sources: tuple[Source, ...] = ()
    suggestions: tuple[str, ...] = ()
    usage: Usage | None = None
    error: str | None = None
    model: str = ""
    prompt_version: str = ""
    space: str = ""
    missed_calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The outcome as it was stored, with what a reader needs to check its copy of the text."""

    outcome: Outcome
    rev: int
    length: int
    sha256: str


TurnEvent = Started | Searching | Found | TextDelta | Notice | Restarted | Outcome
"""What the pure loop yields."""

LogEvent = Started | Searching | Found | TextDelta | Block | Notice | Restarted | Ended
"""What the delta log holds."""

JsonValue = str | int | float | bool | None | list["JsonValue"] | Mapping[str, "JsonValue"]
