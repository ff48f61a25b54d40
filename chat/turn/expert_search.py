"""The seam to the experts' answers, as the turn sees them."""

from dataclasses import dataclass
from typing import Literal, Protocol

from chat.turn.events import Source

Fit = Literal["clear", "near", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAnswer:
    """A published answer near the question; `source.score` is 0–1, best first in a list."""

    source: Source
    verbatim: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a search brought.

    `answers` come best first, and the first reaches the bar. `fit` is "clear" when it can be
    quoted as the answer, "near" when it takes a reader to choose, "none" when nothing reaches the
    bar; then there are no answers. `certain` means that the question is the experts' business
    beyond doubt: a model that would reply without them is overruled. `space` is the fingerprint
    of the embedding space searched.
    """

    answers: tuple[FoundAnswer, ...]
    fit: Fit
    certain: bool = False
    space: str = ""


class SearchUnavailableError(Exception):
    """The experts' answers cannot be searched now (database or embedder down)."""


class ExpertSearch(Protocol):
    """Searches the published answers. Raises SearchUnavailableError and nothing else.

    `earlier` is what the visitor said before in the conversation, oldest first: a question like
    "and for how long?" is about that. A question that stands alone is searched without.
    """

    async def search(self, question: str, *, earlier: tuple[str, ...] = ()) -> Findings: ...
