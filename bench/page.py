"""How long the page's main thread is held up by much text: long tasks in a real Chromium.

Run as `.venv/bin/python -m bench.page http://127.0.0.1:8000`, with the address of a running server;
what the page is told comes from here. A task counts from 50 ms on; compare within one run.
"""

import sys

from playwright.sync_api import Page, sync_playwright

from chat.rendering import LARGEST_BLOCK
from tests.browser.chromium import launch
from tests.browser.played_conversation import PlayedConversation
from tests.browser.visitor import Visitor, ask, expect_settled
from tests.browser.wire import Turn, Wire

CHARACTERS = 100_000
MESSAGES = 1_000
SETTLED_MS = 1_500
PARAGRAPH = "先让他**安全**下来，再想想他要什么，最后教他用别的办法说出来。" * 8
WATCH = """window.tasks = [];
    new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map(
        (entry) => entry.duration))).observe({ type: "longtask" });"""


def main() -> None:
    (url,) = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for name, measure in {
            "a stored reply of 100,000 characters": stored_reply,
            "a streamed reply of 100,000 characters": streamed_reply,
            "a streamed block of opening brackets": hostile_reply,
            "1,000 messages at once": many_messages,
            "a piece of text below 1,000 messages": text_below_many,
        }.items():
            page = Visitor(browser, locale="zh-CN").context.new_page()
            wire = Wire(page)
            page.add_init_script(WATCH)
            page.goto(url)
            page.locator("[data-mode=model]").wait_for()
            measure(page, wire)
            page.wait_for_timeout(SETTLED_MS)
            tell(name, page.evaluate("window.tasks"))
            page.context.close()
        browser.close()


def tell(name: str, tasks: list[float]) -> None:
    worst = max(tasks, default=0)
    sys.stdout.write(f"{name:42} {len(tasks):4} long tasks, worst {worst:5.0f} ms\n")


def stored_reply(page: Page, wire: Wire) -> None:
    conversation = PlayedConversation()
    paragraphs = [PARAGRAPH.replace("**", "")] * (CHARACTERS // len(PARAGRAPH))
    reply = conversation.exchange("很长", "\n\n".join(paragraphs))
    reply["html"] = "".join(f"<p>{each}</p>" for each in paragraphs)
    conversation.open(page, wire)


def streamed_reply(page: Page, wire: Wire) -> None:
    turn = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send))
    ask(page, "很长")
    page.locator(".reply").wait_for()
    start = n = 0
    while start < CHARACTERS:
        end = start + len(PARAGRAPH) + 2
        html = f"<p>{PARAGRAPH.replace('**', '')}</p>"
        wire.send(turn.text(f"{PARAGRAPH}\n\n", f"1-{n + 1}"))
        wire.send(turn.event(f"1-{n + 2}", kind="block", start=start, end=end, html=html))
        page.wait_for_timeout(5)
        start, n = end, n + 2
    wire.send(turn.end(f"1-{n + 1}", length=start, sha256=""))
    expect_settled(page)


def hostile_reply(page: Page, wire: Wire) -> None:
    """The largest block, of links that never end: each piece has the page read all of it again."""
    turn = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send))
    ask(page, "很难")
    page.locator(".reply").wait_for()
    pieces = 100
    piece = "![[](" * (LARGEST_BLOCK // 5 // pieces)
    for n in range(1, pieces + 1):
        wire.send(turn.text(piece, f"1-{n}"))
        page.wait_for_timeout(10)
    wire.send(turn.end(f"1-{pieces + 1}", length=pieces * len(piece), sha256=""))
    expect_settled(page)


def many_messages(page: Page, wire: Wire) -> None:
    conversation = PlayedConversation()
    last = None
    for number in range(MESSAGES // 2):
        last = conversation.exchange(f"第{number}问", PARAGRAPH.replace("**", ""), last)
    conversation.open(page, wire, last=MESSAGES)


def text_below_many(page: Page, wire: Wire) -> None:
    many_messages(page, wire)
    turn = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send, rev=MESSAGES + 1))
    page.wait_for_timeout(SETTLED_MS)
    page.evaluate("window.tasks.length = 0")
    ask(page, "还有")
    page.locator(".question").nth(MESSAGES // 2).wait_for()
    for n in range(1, 101):
        wire.send(turn.text("慢慢来，", f"1-{n}"))
        page.wait_for_timeout(10)


if __name__ == "__main__":
    main()
