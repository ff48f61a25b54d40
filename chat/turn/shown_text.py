"""The reply as the visitor sees it: rounds below each other, and text that is taken back."""

from collections.abc import Iterator

from chat.turn.events import Restarted, RestartReason, TextDelta
from chat.turn.utf16 import utf16_cut, utf16_length

PARAGRAPH = "\n\n"


class ShownText:
    """Text is taken back only when there is other text to put in its place."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._restart: Restarted | None = None
        self.length = 0
        """In UTF-16 units."""

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def end(self) -> int:
        """Where the next text will stand."""
        return self._restart.keep if self._restart else self.length

    @property
    def overruled(self) -> bool:
        """Whether there is text that must not stand, and nothing yet in its place."""
        return self._restart is not None and self._restart.why == "ungrounded"

    def replace_from(self, length: int, *, why: RestartReason) -> None:
        """What follows replaces all text after the first so many units."""
        if length < self.length and not (self.overruled and self.end <= length):
            self._restart = Restarted(keep=length, why=why)

    def add(self, text: str, *, begins: bool) -> Iterator[Restarted | TextDelta]:
        """Tell of `text`; one that begins a round stands in a paragraph of its own."""
        if self._restart:
            yield self._restart
            self._pieces = [utf16_cut(self.text, self._restart.keep)]
            self.length, self._restart = self._restart.keep, None
        shown = PARAGRAPH + text if begins and self.length else text
        self._pieces.append(shown)
        self.length += utf16_length(shown)
        yield TextDelta(text=shown)
