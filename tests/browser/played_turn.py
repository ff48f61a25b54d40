"""How a turn that a test plays begins, and what its end says of the text."""

import hashlib

from playwright.sync_api import Page, expect

from tests.browser.visitor import ask, last_reply


def checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def begin(page: Page) -> None:
    ask(page, "你好")
    expect(last_reply(page)).to_be_visible()
