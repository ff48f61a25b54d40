"""A page whose time the test moves, and which notes when it tried to connect and was cut off."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from playwright.sync_api import Page

NOTING = """(() => {
    const Native = window.WebSocket;
    window.sockets = [];
    window.WebSocket = class extends Native {
        constructor(...details) {
            super(...details);
            window.sockets.push({ kind: "tried", at: Date.now() });
            this.addEventListener("close", () =>
                window.sockets.push({ kind: "lost", at: Date.now() }));
        }
    };
})()"""
STEP_MS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    kind: Literal["tried", "lost"]
    at: float


class PageClock:
    """Install it after the page's Wire and before the page is opened. It runs until `stop`."""

    def __init__(self, page: Page, *, chance: float = 1.0) -> None:
        """`chance` is what Math.random gives in the page, but for the last digits."""
        self._page = page
        page.clock.install()
        page.add_init_script(f"Math.random = () => {chance} * (1 - Number.EPSILON); {NOTING}")

    def stop(self) -> None:
        self._page.clock.pause_at(self.now() / 1000 + 1)  # it takes seconds

    def pass_by(self, milliseconds: int) -> None:
        self._page.clock.run_for(milliseconds)

    def until(self, happened: Callable[[], bool]) -> None:
        """Let time pass until then."""
        while not happened():
            self.pass_by(STEP_MS)

    def now(self) -> float:
        now: float = self._page.evaluate("Date.now()")
        return now

    def noted(self) -> list[Noted]:
        return [Noted(**each) for each in self._page.evaluate("window.sockets")]

    def pauses(self, count: int) -> list[int]:
        """How long the page waited before so many attempts, once it has made them.

        What comes over the wire takes real time, in which the page's stands still.
        """
        self.until(lambda: len(pauses_between(self.noted())) >= count)
        return pauses_between(self.noted())[:count]


def pauses_between(noted: list[Noted]) -> list[int]:
    return [
        round(after.at - before.at)
        for before, after in pairwise(noted)
        if (before.kind, after.kind) == ("lost", "tried")
    ]
