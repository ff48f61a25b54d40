"""What of a model's text a visitor sees: no marks of citations, no addresses of its own making.

Marks such as [2] name the numbered answers that a sentence rests on; they are noted and left out.
An address may lead only where the experts' answers lead: an answer that was tampered with, or a
model, must not send a parent elsewhere. (`chat.rendering` makes sure of it for links on the page.)
"""

import re
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from urllib.parse import urlsplit

PIECE_CHARACTERS = 4_096
"""Larger deltas are read in pieces, since patterns take longer on long text."""
MOST_HELD = 2_700
OPEN, CLOSE, NO_BRACKET = r"[\[［【]", r"[\]］】]", r"[^\[\]［］【】\n]"
MARK = (
    rf"{OPEN}\s?(?:答案|回答|资料|answers?|sources?)?\s?\d{{1,2}}"
    rf"(?:\s?[,，、–—~-]\s?\d{{1,2}}){{0,9}}(?:†{NO_BRACKET}{{0,60}})?\s?{CLOSE}"
)
MARKS = rf"[ \t]?{MARK}(?:\s?[,，、]?\s?{MARK}){{0,9}}"
MARK_ALONE = re.compile(MARK, re.IGNORECASE)
AFTER_MARKS = r"(?=[\s,.;:!?，。；：！？、…)）\"”』」*_]|\Z)"
"""A mark ends what it stands for. "[3,6]岁" is an age, and "a[0]`" is code."""
IN_ADDRESS = r"[^\s<>\"'()（）\[\]【】。，；、！？]"
ADDRESS = rf"(?:https?://|www\.)(?:{IN_ADDRESS}|\({IN_ADDRESS}{{0,200}}\)){{0,2000}}"
PATTERN = re.compile(
    rf"(?P<marks>(?:(?<!\n){MARKS}{AFTER_MARKS}|(?<=\n){MARKS}(?=\s*\Z)))"
    r"|!?\[(?P<label>[^\[\]\n]{0,300})\]"
    r"\([ \t]?<?(?P<target>(?:[^\s()<>]|\([^\s()<>]{0,200}\)){0,2000})>?(?:[ \t][^()\n]{0,300})?\)"
    rf"|<?(?P<address>{ADDRESS})>?",
    re.IGNORECASE,
)
BEGUN = re.compile(
    rf"(?:[ \t!]?(?:{MARK}\s?[,，、]?\s?){{0,9}}(?:{OPEN}{NO_BRACKET}{{0,300}}{CLOSE}?)?"
    r"|!?\[[^\[\]\n]{0,300}\]\((?:[^()\n]|\([^()\n]{0,200}\)?){0,2300}"
    rf"|<?{ADDRESS}(?:\({IN_ADDRESS}{{0,200}})?"
    r"|<?(?:h|ht|htt|https?|https?:|https?:/|w|ww|www)|[ \t!<])\Z",
    re.IGNORECASE,
)
"""The end of a text that may become marks or an address with what follows it."""
SPECIAL = re.compile(r"[\[［【!<hw \t]", re.IGNORECASE)
BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
RANGE = re.compile(r"(\d+)\s?[–—~-]\s?(\d+)")
FULL_STOPS = ".,;:!?"
REMOVED = "…"


class ReplyFilter:
    """For one round's text, given in pieces.

    `numbers` are those of the answers that can be cited; `cite` is told of each as it is met.
    Without them a number in brackets is no mark. 0 says that no answer fits, where it ends the
    text. `hosts` are those that addresses may lead to.
    """

    def __init__(
        self, *, numbers: AbstractSet[int], hosts: AbstractSet[str], cite: Callable[[int], None]
    ) -> None:
        self._numbers = numbers
        self._hosts = {plain_host(host) for host in hosts}
        self._cite = cite
        self._rest = ""
        self._line_begins = True
        self.none_fits = False

    def add(self, text: str) -> str:
        """What can be shown by now."""
        text = BIDI_CONTROLS.sub("", text) if not text.isascii() else text
        pieces = range(0, len(text), PIECE_CHARACTERS)
        return "".join(self._add(text[start : start + PIECE_CHARACTERS]) for start in pieces)

    def end(self) -> str:
        """The rest, when the round is over."""
        return self._shown(self._rest, len(self._rest))

    def _add(self, piece: str) -> str:
        text = self._rest + piece
        if not SPECIAL.search(text):
            return self._shown(text, len(text), matches=())
        begun = BEGUN.search(text, max(0, len(text) - MOST_HELD))
        return self._shown(text, begun.start() if begun else len(text))

    def _shown(self, text: str, end: int, matches: Iterable[re.Match[str]] | None = None) -> str:
        """The text up to `end`, without what is taken out; what stands behind is context, and
        waits."""
        context = "\n" if self._line_begins else "x"
        shown, position = "", 0
        for match in PATTERN.finditer(context + text, 1) if matches is None else matches:
            start = match.start() - 1
            if start >= end:
                break
            shown += self._passed(text[position:start]) + self._replacement(match)
            position = match.end() - 1
        shown += self._passed(text[position:end])
        self._rest = text[max(position, end) :]
        self._line_begins = shown.endswith("\n") if shown else self._line_begins
        return shown

    def _passed(self, text: str) -> str:
        if self.none_fits and re.search(r"\w", text):
            self.none_fits = False
        return text

    def _replacement(self, match: re.Match[str]) -> str:
        if match["marks"]:
            return self._without_marks(match)
        if match["address"]:
            return self._passed(self._without_address(match))
        return self._passed(self._without_link(match))

    def _without_marks(self, match: re.Match[str]) -> str:
        """Brackets with a number that no answer has are left as they are."""
        marks = MARK_ALONE.findall(match["marks"])
        kept = [mark for mark in marks if not self._noted(mark)]
        return self._passed(match[0] if kept == marks else "".join(kept))

    def _noted(self, mark: str) -> bool:
        numbers = numbers_in(mark)
        if not self._numbers or not self._numbers | {0} >= set(numbers):
            return False
        for number in numbers:
            if number:
                self._cite(number)
        self.none_fits = not any(numbers)
        return True

    def _without_address(self, match: re.Match[str]) -> str:
        address: str = match["address"]
        if plain_host(host(address)) in self._hosts:
            return match[0]
        return REMOVED + address[len(address.rstrip(FULL_STOPS)) :]

    def _without_link(self, match: re.Match[str]) -> str:
        """The label of a link that leads elsewhere, which must not join what follows it."""
        leads_to = host(match["target"].replace("\\", "/"))
        if not leads_to or plain_host(leads_to) in self._hosts:
            return match[0]
        label: str = match["label"]
        return f"{label} " if label.isascii() else label


def numbers_in(marks: str) -> list[int]:
    """The numbers that marks name, in order; a range names all of its own."""
    spread = RANGE.sub(lambda match: " ".join(map(str, between(match[1], match[2]))), marks)
    return [int(number) for number in re.findall(r"\d+", re.sub(r"†.*?(?=[\]］】])", "", spread))]


def between(first: str, last: str) -> range:
    return range(int(first), int(last) + 1)


def hosts_in(text: str) -> set[str]:
    """The hosts that the addresses in a text lead to."""
    found = re.findall(rf"(?i:{ADDRESS})", text)
    return {plain_host(host(address)) for address in found} - {""}


def plain_host(name: str) -> str:
    return name.removeprefix("www.")


def host(address: str) -> str:
    """The host of a web address, empty where there is none."""
    if "://" not in address:
        address = f"https:{address}" if address.startswith("//") else f"https://{address}"
    try:
        parts = urlsplit(address)
        name = parts.hostname or ""
    except ValueError:
        return ""
    return name if parts.scheme.lower() in {"http", "https"} and "." in name else ""
