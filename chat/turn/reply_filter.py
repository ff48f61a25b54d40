"""What of a model's text a visitor sees: no marks of citations, no links of the model's own making.

Marks such as [2] name the numbered answers that a sentence rests on; they are noted and left out.
A link may lead only where the experts' answers lead: an answer that was tampered with, or a model,
must not send a parent elsewhere.
"""

import re
from collections.abc import Set as AbstractSet
from urllib.parse import urlsplit

NUMBERS = r"\d{1,2}(?:\s{0,2}[,，、]\s{0,2}\d{1,2}){0,9}"
ADDRESS = r"(?:https?://|www\.)[^\s<>\"'()（）\[\]【】。，；、！？]{0,2000}"
LINK = re.compile(
    rf"(?P<mark>[ \t]?(?:\[\s?(?P<latin>{NUMBERS})\s?\](?!\()|【\s?(?P<chinese>{NUMBERS})\s?】))"
    r"|!?\[(?P<label>[^\[\]\n]{0,300})\]\(\s?<?(?P<target>[^\s()<>]{0,2000})>?[^()\n]{0,300}\)"
    rf"|<?(?P<address>{ADDRESS})>?",
    re.IGNORECASE,
)
BEGUN = re.compile(
    r"(?:[ \t]?[\[【][^\[\]【】\n]{0,300}\]?|!?\[[^\[\]\n]{0,300}\]\([^()\n]{0,2300}"
    rf"|<?{ADDRESS}|<?(?:h|ht|htt|https?|https?:|https?:/|w|ww|www)|[ \t!<])\Z",
    re.IGNORECASE,
)
"""The end of a text that may become a mark or a link with what follows it."""
FULL_STOPS = ".,;:!?"


class ReplyFilter:
    """For one round's text, given in pieces; `hosts` are those that links may lead to.

    `cited` are the numbers of the marks met, 0 among them if the model says that none fits. Without
    `answers` to cite, a number in brackets is no mark.
    """

    def __init__(self, *, answers: int, hosts: AbstractSet[str]) -> None:
        self._answers = answers
        self._hosts = hosts
        self._rest = ""
        self.cited: list[int] = []

    def add(self, text: str) -> str:
        """What can be shown by now."""
        text = self._rest + text
        begun = BEGUN.search(text, max(0, len(text) - 2600))
        end = begun.start() if begun else len(text)
        shown, self._rest = text[:end], text[end:]
        return self._filtered(shown)

    def end(self) -> str:
        """The rest, when the round is over."""
        shown, self._rest = self._rest, ""
        return self._filtered(shown)

    def _filtered(self, text: str) -> str:
        return LINK.sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        if match["mark"]:
            return self._without_mark(match)
        if match["address"]:
            return self._without_address(match)
        return match[0] if self._may_lead_to(match["target"]) else match["label"]

    def _without_mark(self, match: re.Match[str]) -> str:
        if not self._answers:
            return match[0]
        numbers = re.findall(r"\d+", match["latin"] or match["chinese"])
        self.cited += [int(number) for number in numbers]
        return ""

    def _without_address(self, match: re.Match[str]) -> str:
        address: str = match["address"]
        if self._may_lead_to(address):
            return match[0]
        return address[len(address.rstrip(FULL_STOPS)) :]

    def _may_lead_to(self, target: str) -> bool:
        return target.lower().startswith(("mailto:", "tel:")) or host(target) in self._hosts


def hosts_in(text: str) -> set[str]:
    """The hosts that the links of a text lead to."""
    return {host(address) for address in re.findall(ADDRESS, text, re.IGNORECASE)} - {""}


def host(address: str) -> str:
    """The host of a web address, empty where there is none."""
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        return (parts.hostname or "") if parts.scheme.lower() in {"http", "https"} else ""
    except ValueError:
        return ""
