"""A visitor with a browser of their own, on whose pages nothing may go wrong unseen."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Self

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

ColorScheme = Literal["light", "dark"]

NO_WORKER = "Service Worker registration blocked by Playwright"
"""Said where a context was made without."""
NO_CONNECTION = re.compile(r"WebSocket connection to .* failed|net::ERR_")


class Visitor:
    """Cookies and storage are the visitor's own; `complaints` is what browsers say in red.

    A test may name what is `expected` of them.
    """

    def __init__(
        self,
        browser: Browser,
        *,
        locale: str,
        width: int = 360,
        height: int = 740,
        color_scheme: ColorScheme = "light",
    ) -> None:
        self.context = browser.new_context(
            locale=locale,
            viewport={"width": width, "height": height},
            color_scheme=color_scheme,
            service_workers="block",
        )
        self.complaints: list[str] = []
        self.expected: re.Pattern[str] | None = None
        self.context.on("page", self._watch)

    @contextmanager
    def watched(self) -> Iterator[Self]:
        """Fails in the end if a page complained."""
        try:
            yield self
        finally:
            self.context.close()
        if unexpected := self.unexpected_complaints():
            raise AssertionError("\n".join(unexpected))

    def visit(self, address: str) -> Page:
        page = self.context.new_page()
        page.goto(address)
        expect(page.locator("[data-mode]:not([hidden])")).to_be_visible()
        return page

    def unexpected_complaints(self) -> list[str]:
        if self.expected is None:
            return self.complaints
        return [each for each in self.complaints if not self.expected.search(each)]

    def take_pictures(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(self.context.pages, start=1):
            page.screenshot(path=folder / f"{number}.png")

    def _watch(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", self._see_request)

    def _hear(self, message: ConsoleMessage) -> None:
        """Chromium tells of broken Content Security Policy in its console, as of any error."""
        if message.type in {"error", "warning"} and message.text != NO_WORKER:
            self.complaints.append(message.text)

    def _see_request(self, request: Request) -> None:
        if not re.match(r"(http://127\.0\.0\.1:|data:)", request.url):
            self.complaints.append(f"request to {request.url}")


def ask(page: Page, text: str) -> None:
    page.locator("#question").fill(text)
    page.locator("#question").press("Enter")


def last_question(page: Page) -> Locator:
    return page.locator(".question-text").last


def last_reply(page: Page) -> Locator:
    return page.locator(".reply").last


def expect_settled(page: Page) -> None:
    """The last reply has come to its end."""
    expect(last_reply(page)).to_have_attribute("aria-busy", "false")
