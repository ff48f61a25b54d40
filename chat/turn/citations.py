"""Which of the answers found in a turn its reply rests on."""

from collections.abc import Iterable

from chat.turn.events import Source
from chat.turn.expert_search import Findings, FoundAnswer
from chat.turn.reply_filter import hosts_in
from knowledge.lexical import terms

SUGGESTIONS = 3
SHARED = 0.3
"""Share of a reply's words that an answer must hold to be taken for its ground."""
LEAST_SHARED = 0.1
"""The share from which the nearest answer is taken for the ground of a free rendering."""
NEARLY_AS_MUCH = 0.7
MOST_UNMARKED = 3
COMPARED_CHARACTERS = 8_000


class Citations:
    """The answers found in a turn, numbered from 1 for the model, and those that it cites."""

    def __init__(self) -> None:
        self._found: dict[str, FoundAnswer] = {}
        self._sure: dict[str, FoundAnswer] = {}
        self._shown: set[str] = set()
        self._cited: dict[int, None] = {}
        self.hosts: frozenset[str] = frozenset()
        """Where the experts' own links lead."""

    def __len__(self) -> int:
        return len(self._found)

    def add(self, findings: Findings) -> None:
        for answer in findings.answers:
            self._found.setdefault(answer.source.answer, answer)
            self.hosts |= hosts_in(f"{answer.source.text} {answer.source.url or ''}")
        if findings.fit == "clear" or (findings.certain and findings.answers):
            best = findings.answers[0]
            self._sure.setdefault(best.source.answer, best)

    def number(self, answer: FoundAnswer) -> int:
        return list(self._found).index(answer.source.answer) + 1

    def show(self, answers: Iterable[FoundAnswer]) -> None:
        """The model has been given these, and can cite no others: there may be no room for all."""
        self._shown |= {answer.source.answer for answer in answers}

    @property
    def numbers(self) -> frozenset[int]:
        """Those that can be cited."""
        return frozenset(self._citable)

    @property
    def marked(self) -> bool:
        return bool(self._cited)

    def cite(self, number: int) -> None:
        self._cited[number] = None

    def forget_marks(self) -> None:
        """The text that bore them is taken back."""
        self._cited.clear()

    def used(self, reply: str) -> tuple[Source, ...]:
        """What the model cites; where it cites nothing, the answers whose words the reply has,
        or else the one that fits beyond doubt. `reply` is what was written with the background.
        """
        if not reply.strip():
            return ()
        marked = [self._citable[number] for number in self._cited if number in self._citable]
        used = marked or self._sharing(reply)
        return tuple(answer.source for answer in used)

    def _sharing(self, reply: str) -> list[FoundAnswer]:
        """Where an answer is sure to fit, a few common words make no other one a source."""
        return list(self._sure.values()) or sharing(reply, list(self._citable.values()))

    def suggestions(self, used: tuple[Source, ...]) -> tuple[str, ...]:
        """Titles of neighbouring answers."""
        taken = {source.answer for source in used}
        return titles([each for key, each in self._found.items() if key not in taken])

    @property
    def _citable(self) -> dict[int, FoundAnswer]:
        """By number."""
        numbered = enumerate(self._found.items(), start=1)
        return {number: found for number, (key, found) in numbered if key in self._shown}


def sharing(reply: str, found: list[FoundAnswer]) -> list[FoundAnswer]:
    """The answers whose words the reply has, or the one that it has some words of."""
    words = set(terms(reply[:COMPARED_CHARACTERS])) if found else set()
    if not words:
        return []
    texts = [each.source.text[:COMPARED_CHARACTERS] for each in found]
    shares = [len(words & set(terms(text))) / len(words) for text in texts]
    most = max(shares)
    if most < SHARED:
        return [found[shares.index(most)]] if most >= LEAST_SHARED else []
    return [
        each
        for each, share in zip(found, shares, strict=True)
        if share >= max(SHARED, NEARLY_AS_MUCH * most)
    ][:MOST_UNMARKED]


def titles(answers: list[FoundAnswer] | tuple[FoundAnswer, ...]) -> tuple[str, ...]:
    """The first few titles, each once."""
    named = dict.fromkeys(answer.source.title for answer in answers if answer.source.title)
    return tuple(named)[:SUGGESTIONS]
