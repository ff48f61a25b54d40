"""Which of the answers found in a turn its reply rests on."""

from collections.abc import Iterable

from chat.turn.events import Source
from chat.turn.expert_search import Findings, FoundAnswer
from chat.turn.reply_filter import hosts_in
from knowledge.lexical import terms

SUGGESTIONS = 3
SHARED = 0.3
"""Share of a reply's words that an answer must hold to be taken for its ground."""
NEARLY_AS_MUCH = 0.7
MOST_UNMARKED = 3


class Citations:
    """The answers found in a turn, numbered from 1 for the model, and those that it cites."""

    def __init__(self) -> None:
        self._found: dict[str, FoundAnswer] = {}
        self._clear: list[FoundAnswer] = []
        self._shown: set[str] = set()
        self._cited: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, findings: Findings) -> None:
        for answer in findings.answers:
            self._found.setdefault(answer.source.answer, answer)
        if findings.fit == "clear" and findings.answers[0] not in self._clear:
            self._clear.append(findings.answers[0])

    def number(self, answer: FoundAnswer) -> int:
        return list(self._found).index(answer.source.answer) + 1

    def show(self, answers: Iterable[FoundAnswer]) -> None:
        """The model has been given these, and can cite no others: there may be no room for all."""
        self._shown |= {answer.source.answer for answer in answers}

    def cite(self, numbers: list[int]) -> None:
        self._cited |= dict.fromkeys(numbers)

    @property
    def none_fits(self) -> bool:
        """The model says so, and cites nothing."""
        return 0 in self._cited and not self._marked()

    @property
    def hosts(self) -> frozenset[str]:
        """Where the experts' own links lead."""
        sources = [found.source for found in self._found.values()]
        return frozenset().union(*(hosts_in(f"{source.text} {source.url}") for source in sources))

    def used(self, reply: str) -> tuple[Source, ...]:
        """What the model cites; where it cites nothing, the answers that clearly fit, or else
        those whose words the reply has.

        A reply with words of its own altogether rests on the best answer it was given.
        """
        if self.none_fits:
            return ()
        found = list(self._citable.values())
        used = self._marked() or self._clear or sharing(reply, found) or found[:1]
        return tuple(answer.source for answer in used)

    def suggestions(self, used: tuple[Source, ...]) -> tuple[str, ...]:
        """Titles of neighbouring answers."""
        taken = {source.answer for source in used}
        return titles([each for key, each in self._found.items() if key not in taken])

    def _marked(self) -> list[FoundAnswer]:
        return [self._citable[number] for number in self._cited if number in self._citable]

    @property
    def _citable(self) -> dict[int, FoundAnswer]:
        """By number."""
        numbered = enumerate(self._found.items(), start=1)
        return {
            number: found
            for number, (key, found) in numbered
            if key in self._shown or not self._shown
        }


def sharing(reply: str, found: list[FoundAnswer]) -> list[FoundAnswer]:
    words = set(terms(reply))
    if not words:
        return []
    shares = [len(words & set(terms(each.source.text))) / len(words) for each in found]
    least = max(SHARED, NEARLY_AS_MUCH * max(shares, default=0))
    sharers = [each for each, share in zip(found, shares, strict=True) if share >= least]
    return sharers[:MOST_UNMARKED]


def titles(answers: list[FoundAnswer] | tuple[FoundAnswer, ...]) -> tuple[str, ...]:
    """The first few titles, each once."""
    named = dict.fromkeys(answer.source.title for answer in answers if answer.source.title)
    return tuple(named)[:SUGGESTIONS]
