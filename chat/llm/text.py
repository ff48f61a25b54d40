"""Text of a model, made safe to store and to send."""

from knowledge.plain_text import repaired


class TextJoiner:
    """Joins pieces of text.

    A server that escapes its JSON may cut an emoji into two deltas, each with one half of a
    UTF-16 pair: the first half waits for the second.
    """

    def __init__(self) -> None:
        self._half = ""

    @property
    def waits(self) -> bool:
        return bool(self._half)

    def joined(self, pieces: list[str]) -> str:
        text = self._half + "".join(pieces)
        self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return repaired(text.removesuffix(self._half))
