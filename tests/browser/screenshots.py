"""Draws the pictures of README and docs: `make screenshots`.

With `--url http://…` of a running server, else one with the sample knowledge is started, which
takes a minute or two. Nothing is shown but the sample's answers.
"""

import argparse
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.chromium import launch
from tests.browser.visitor import ColorScheme, Visitor, ask, expect_settled
from tests.serving import PROJECT, ChatServer

LARGEST_BYTES = 150_000
SHEET = """
<body style="margin:0;background:#e9e6dd;width:1240px;height:700px;position:relative">
  <img src="{desk}" style="position:absolute;left:24px;top:24px;width:1000px;border-radius:10px;
    box-shadow:0 2px 14px #0003">
  <img src="{phone}" style="position:absolute;right:24px;bottom:24px;width:300px;
    border-radius:22px;border:6px solid #26302f;box-shadow:0 4px 18px #0005">
</body>"""
TO_WEBP = """async png => {
    const image = await createImageBitmap(await (await fetch(png)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext("2d").drawImage(image, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.86 });
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""));
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A desk and a phone side by side, each in a theme; with a question, it is answered."""

    name: str
    locale: str
    desk: ColorScheme
    phone: ColorScheme
    question: str = ""


PICTURES = [
    Picture(
        name="chat-zh",
        locale="zh-CN",
        desk="light",
        phone="dark",
        question="自闭症孩子自伤怎么办？",
    ),
    Picture(
        name="chat-en",
        locale="en-GB",
        desk="light",
        phone="dark",
        question="What can I do when my autistic child hurts himself?",
    ),
    Picture(name="start-zh", locale="zh-CN", desk="dark", phone="light"),
    Picture(name="start-en", locale="en-GB", desk="dark", phone="light"),
]


class TooLargeError(Exception):
    """A picture has more bytes than a README should load."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws the pictures of README and docs.")
    parser.add_argument("--url", help="a running server with the sample knowledge")
    parser.add_argument("--folder", type=Path, default=PROJECT / "docs" / "images")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with site(options.url) as url, sync_playwright() as playwright:
        browser = launch(playwright)
        for picture in PICTURES:
            draw(browser, url, picture, options.folder / f"{picture.name}.webp")
        browser.close()


@contextmanager
def site(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    with ChatServer(set_up=True) as server:
        yield server.url


def draw(browser: Browser, url: str, picture: Picture, path: Path) -> None:
    """Raises TooLargeError."""
    locale, question = picture.locale, picture.question
    desk = Visitor(browser, locale=locale, width=1280, height=800, color_scheme=picture.desk)
    phone = Visitor(browser, locale=locale, color_scheme=picture.phone)
    sheet = SHEET.format(
        desk=taken(desk, url, question), phone=taken(phone, url, question, at_end=True)
    )
    page = browser.new_page(viewport={"width": 1240, "height": 700})
    page.set_content(sheet, wait_until="load")
    content = base64.b64decode(page.evaluate(TO_WEBP, data_url(page.screenshot())))
    page.close()
    if len(content) > LARGEST_BYTES:
        raise TooLargeError(path.name)
    path.write_bytes(content)


def taken(visitor: Visitor, url: str, question: str, *, at_end: bool = False) -> str:
    """The page, with the question answered, as a data URL."""
    with visitor.watched():
        page = visitor.visit(url)
        if question:
            ask(page, question)
            expect_settled(page)
            page.locator("#question").blur()
        if question and at_end:
            page.locator("#to-end").click()
            page.mouse.move(0, 0)
            expect(page.locator("#to-end")).to_be_hidden()
        page.evaluate("() => document.fonts.ready")
        return data_url(page.screenshot())


def data_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


if __name__ == "__main__":
    main()
