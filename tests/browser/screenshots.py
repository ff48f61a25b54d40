"""Draws the README's pictures: `python -m tests.browser.screenshots [--url http://…]`.

Without a URL, a server with the sample knowledge is started, which takes a minute or two.
"""

import argparse
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.chromium import launch
from tests.browser.visitor import Visitor, ask, expect_settled
from tests.serving import PROJECT, ChatServer

QUESTIONS = {
    "zh": ("zh-CN", "自闭症孩子自伤怎么办？"),
    "en": ("en-GB", "What can I do when my autistic child hurts himself?"),
}
SHEET = """
<body style="margin:0;background:#e9e6dd;width:1240px;height:700px;position:relative">
  <img src="{desk}" style="position:absolute;left:24px;top:24px;width:1000px;border-radius:10px;
    box-shadow:0 2px 14px #0003">
  <img src="{phone}" style="position:absolute;right:24px;bottom:24px;width:300px;
    border-radius:22px;border:6px solid #26302f;box-shadow:0 4px 18px #0005">
</body>"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws the README's pictures.")
    parser.add_argument("--url", help="a running server with the sample knowledge")
    parser.add_argument("--folder", type=Path, default=PROJECT / "docs" / "images")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with site(options.url) as url, sync_playwright() as playwright:
        browser = launch(playwright)
        for name, (locale, question) in QUESTIONS.items():
            desk = Visitor(browser, locale=locale, width=1280, height=800)
            phone = Visitor(browser, locale=locale)
            pictures = picture(desk, url, question), picture(phone, url, question, at_end=True)
            assemble(browser, *pictures, options.folder / f"chat-{name}.png")
        browser.close()


@contextmanager
def site(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    with ChatServer(set_up=True) as server:
        yield server.url


def picture(visitor: Visitor, url: str, question: str, *, at_end: bool = False) -> str:
    """The page with the question answered, as a data URL."""
    with visitor.watched():
        page = visitor.visit(url)
        ask(page, question)
        expect_settled(page)
        page.locator("#question").blur()
        if at_end:
            page.locator("#to-end").click()
            page.mouse.move(0, 0)
            expect(page.locator("#to-end")).to_be_hidden()
        return f"data:image/png;base64,{base64.b64encode(page.screenshot()).decode()}"


def assemble(browser: Browser, desk: str, phone: str, path: Path) -> None:
    page = browser.new_page(viewport={"width": 1240, "height": 700})
    page.set_content(SHEET.format(desk=desk, phone=phone), wait_until="load")
    page.screenshot(path=path)
    page.close()


if __name__ == "__main__":
    main()
