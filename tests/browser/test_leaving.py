"""T-41: a link to another site opens a page that says where it leads."""

import contextlib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.visitor import Visitor, ask, expect_settled, last_reply
from tests.openai_script import Answer, CallTool
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

QUESTION = "自闭症孩子自伤怎么办？"
ADDRESS = "https://www.nice.org.uk/guidance/cg170?a=1&b=2"


@pytest.fixture
def page(model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer) -> Iterator[Page]:
    """With a link in the last reply."""
    page = visitor.visit(model_site.url)
    scripted_server.script(CallTool(QUESTION), Answer(f"看[这里]({ADDRESS})。"))
    ask(page, QUESTION)
    expect_settled(page)
    yield page
    scripted_server.forget_script()


def left(page: Page) -> Page:
    with page.context.expect_page() as opened:
        last_reply(page).locator(".blocks a").click()
    opened.value.wait_for_load_state()
    return opened.value


def test_page_in_between_shows_the_host_and_the_whole_address(page: Page) -> None:
    between = left(page)

    expect(between.locator(".leave-host")).to_have_text("www.nice.org.uk")
    expect(between.locator(".leave-address")).to_have_text(ADDRESS)
    way_on = between.get_by_role("link", name=re.compile("继续|Continue"))
    expect(way_on).to_have_attribute("href", ADDRESS)
    expect(way_on).to_have_attribute("rel", "noopener noreferrer nofollow")
    assert between.evaluate("() => [document.referrer, window.opener]") == ["", None]


def test_way_back_leads_to_the_conversation(page: Page) -> None:
    between = left(page)

    with between.expect_event("close"), contextlib.suppress(Error):
        between.locator(".leave-back").click()  # the tab may be gone before the click is told of

    expect(last_reply(page)).to_be_visible()


def test_way_back_in_the_same_tab_is_the_page_before(
    model_site: ChatServer, visitor: Visitor
) -> None:
    page = visitor.context.new_page()
    page.goto(f"{model_site.url}/leave?to=https%3A%2F%2Fa.example%2F")
    page.goto(f"{model_site.url}/leave?to=https%3A%2F%2Fb.example%2F")

    page.locator(".leave-back").click()

    expect(page.locator(".leave-host")).to_have_text("a.example")


@pytest.mark.parametrize("width", [320, 1280])
def test_long_address_fits_the_screen(model_site: ChatServer, visitor: Visitor, width: int) -> None:
    page = visitor.context.new_page()
    page.set_viewport_size({"width": width, "height": 740})

    page.goto(f"{model_site.url}/leave?to=https%3A%2F%2F{'long.' * 40}example%2F{'x' * 900}")

    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    for box in (each.bounding_box() for each in page.locator(".leave-choices a").all()):
        assert box is not None
        assert box["height"] >= 44
