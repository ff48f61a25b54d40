"""Parts of the page that a bad network has swallowed."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.played_turn import begin, checksum
from tests.browser.visitor import Visitor, expect_settled
from tests.browser.wire import Turn, Wire, wait_for
from tests.serving import ChatServer

MODE = "[data-mode]:not([hidden])"
LOST = re.compile("ERR_FAILED|dynamically imported module")


@pytest.fixture
def page(visitor: Visitor) -> Page:
    visitor.expected = LOST
    return visitor.context.new_page()


def lose(page: Page, module: str) -> None:
    page.route(f"**/static/chat/{module}", lambda route: route.abort())


def test_views_are_loaded_when_the_network_is_back(page: Page, expert_site: ChatServer) -> None:
    tries = []

    def lose_first(route: Route) -> None:
        tries.append(route)
        (route.abort if len(tries) == 1 else route.continue_)()

    page.route("**/static/chat/views.js", lose_first)
    page.goto(expert_site.url)

    expect(page.locator(MODE)).to_be_visible()


def test_page_whose_views_do_not_come_is_loaded_anew_with_what_was_written(
    page: Page, expert_site: ChatServer
) -> None:
    """As in a browser that remembers a failed import as long as the page lives."""
    loads: list[str] = []
    page.on("request", lambda request: loads.append(request.url))
    page.route(
        "**/static/chat/views.js",
        lambda route: (route.abort if loads.count(page.url) < 2 else route.continue_)(),
    )
    page.route("**/healthz", lambda route: route.abort())
    page.goto(expert_site.url)
    page.locator("#question").fill("half a question")

    page.unroute("**/healthz")

    expect(page.locator(MODE)).to_be_visible()
    expect(page.locator("#question")).to_have_value("half a question")
    assert loads.count(page.url) == 2


def test_page_is_not_loaded_anew_for_ever(page: Page, expert_site: ChatServer) -> None:
    loads: list[str] = []
    failures: list[str] = []
    page.on("request", lambda request: loads.append(request.url))
    page.on("pageerror", lambda error: failures.append(str(error)))
    lose(page, "views.js")

    page.goto(expert_site.url)
    wait_for(page, lambda: failures)

    assert loads.count(page.url) == 2


def test_what_a_click_needs_and_cannot_be_loaded_is_said(
    page: Page, wire: Wire, turn: Turn
) -> None:
    lose(page, "question_editor.js")
    begin(page)
    wire.send(turn.text("嗯", "1-1"), turn.end("1-2", length=1, sha256=checksum("嗯")))
    expect_settled(page)

    page.locator(".question .edit").click()

    expect(page.locator("#status .failed")).to_have_text("页面有一部分没有加载出来，请重新加载。")


def test_list_that_cannot_be_loaded_says_so_itself(page: Page, expert_site: ChatServer) -> None:
    lose(page, "conversation_list.js")
    page.goto(expert_site.url)
    expect(page.locator(MODE)).to_be_visible()

    page.locator("#menu-button").click()

    expect(page.locator("#menu [data-list=failed]")).to_be_visible()
    expect(page.locator("#menu [data-list=loading]")).to_be_hidden()
