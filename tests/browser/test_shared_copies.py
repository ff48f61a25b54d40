"""Shared copies and pages for paper, as their readers see them."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.payloads import FOREIGN, PAYLOADS
from tests.browser.visitor import Visitor, ask, expect_settled
from tests.openai_script import Answer, CallTool
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

QUESTION = "自闭症孩子自伤怎么办？"
SHARE = """async (id) => {
  const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
  const headers = { "X-CSRFToken": token, "Content-Type": "application/json" };
  const answer = await fetch(`/api/conversations/${id}/share`, { method: "POST", headers });
  return (await answer.json()).url;
}"""


@pytest.fixture
def page(model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer) -> Page:
    """After a question and a reply full of what must not become a program."""
    page = visitor.visit(model_site.url)
    text = "\n\n".join(PAYLOADS)
    scripted_server.script(CallTool(QUESTION), Answer(text))
    ask(page, f"{QUESTION}\n{text}")
    expect_settled(page)
    return page


def conversation_of(page: Page) -> str:
    return page.url.rpartition("/")[2]


def shared(page: Page) -> str:
    url: Any = page.evaluate(SHARE, conversation_of(page))
    return str(url)


def expect_harmless(page: Page) -> None:
    copy = page.locator(".copy")
    expect(copy.locator(FOREIGN)).to_have_count(0)
    for attribute in ("onerror", "onload", "ontoggle", "onmouseover", "srcdoc"):
        expect(copy.locator(f"[{attribute}]")).to_have_count(0)
    assert page.evaluate("() => window.hacked") is None


def test_somebody_with_the_link_reads_it_and_leaves_no_trace(chromium: Browser, page: Page) -> None:
    url = shared(page)

    with Visitor(chromium, locale="en-GB", width=1280, height=800).watched() as reader:
        copy = reader.context.new_page()
        copy.goto(url)

        expect(copy.locator(".asked .said-text")).to_contain_text(QUESTION)
        expect(copy.locator(".cited-by").first).to_contain_text("医生")
        expect_harmless(copy)
        assert reader.context.cookies() == []
        copy.locator(".copy-ask").click()
        expect(copy.locator("#question")).to_be_visible()


def test_times_are_those_of_the_reader(chromium: Browser, page: Page) -> None:
    url = shared(page)
    context = chromium.new_context(locale="en-GB", timezone_id="Asia/Shanghai")
    copy = context.new_page()

    copy.goto(url)

    time = copy.locator(".said-by time").first
    moment = time.get_attribute("datetime")
    expected = copy.evaluate(
        """(at) => new Intl.DateTimeFormat(document.documentElement.lang, {
          dateStyle: "long", timeStyle: "short", timeZone: "Asia/Shanghai",
        }).format(new Date(at))""",
        moment,
    )
    expect(time).to_have_text(expected)
    context.close()


def test_page_for_paper_is_harmless_and_prints(page: Page, visitor: Visitor) -> None:
    paper = visitor.context.new_page()
    paper.add_init_script("window.print = () => { window.printed = true; }")

    paper.goto(f"{page.url}/print")
    paper.locator(".print-now").click()

    expect_harmless(paper)
    assert paper.evaluate("() => window.printed")
    paper.emulate_media(media="print")
    expect(paper.locator(".print-tools")).to_be_hidden()
    expect(paper.locator(".said")).to_have_count(2)


def test_paper_is_white_whatever_the_screen_is(page: Page, visitor: Visitor) -> None:
    paper = visitor.context.new_page()
    paper.goto(f"{page.url}/print")
    paper.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")

    paper.emulate_media(media="print", color_scheme="dark")

    root = paper.locator("html")
    expect(root).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(root).to_have_css("color", "rgb(0, 0, 0)")


@pytest.mark.parametrize("width", [320, 1280])
def test_copy_fits_the_screen(page: Page, width: int) -> None:
    url = shared(page)
    page.set_viewport_size({"width": width, "height": 740})

    page.goto(url)

    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
