"""Thoughts that a model writes into its text: between <think> and </think>, before the reply.

MiniMax sends them so, and vLLM, llama.cpp and others that were not told how the model marks them.
"""

from typing import Literal

BEGIN, END = "<think>", "</think>"
MOST_SPACE = 256
"""So much white space before the first word is no longer held back."""


class ThoughtFilter:
    """For the text of one reply, given in pieces."""

    def __init__(self) -> None:
        self._state: Literal["start", "thinking", "after", "reply"] = "start"
        self._held = ""

    def reply_in(self, text: str) -> str:
        """What is known by now to be the reply, and was not given before."""
        if self._state == "reply":
            return text
        self._held += text
        if self._state == "start":
            self._look_for_begin()
        if self._state == "thinking":
            self._look_for_end()
        if self._state == "after":
            self._held = self._held.lstrip()
            self._state = "reply" if self._held else "after"
        return self._taken() if self._state == "reply" else ""

    def end(self) -> str:
        """What was held back, when the text is over. Thoughts without an end are no reply."""
        return self._taken() if self._state == "start" else ""

    def _look_for_begin(self) -> None:
        begun = self._held.lstrip()
        if begun.startswith(BEGIN):
            self._state = "thinking"
        elif not BEGIN.startswith(begun) or len(self._held) > MOST_SPACE:
            self._state = "reply"

    def _look_for_end(self) -> None:
        _, ended, after = self._held.partition(END)
        self._held = after if ended else self._held[1 - len(END) :]
        self._state = "after" if ended else "thinking"

    def _taken(self) -> str:
        held, self._held = self._held, ""
        return held
