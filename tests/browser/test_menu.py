"""The list of conversations: found again, renamed, deleted and restored, shared, taken along."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.visitor import Visitor, ask, expect_settled
from tests.serving import ChatServer

IN_PANEL = """() => document.activeElement === document.body
    || Boolean(document.activeElement.closest("#drawer"))"""
"""The body is what has the focus while the browser's own buttons do."""


@pytest.fixture(params=[(360, 740), (1280, 800)], ids=["phone", "desk"])
def parent(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    width, height = request.param
    with Visitor(chromium, locale="en-GB", width=width, height=height).watched() as someone:
        yield someone


@pytest.fixture
def listed(expert_site: ChatServer, parent: Visitor) -> Page:
    """A page with two conversations, the second one open, and the list."""
    page = parent.visit(expert_site.url)
    for question in ("孩子只吃白米饭怎么办？", "孩子不吃蔬菜怎么办？"):
        page.get_by_role("link", name="New conversation").click()
        ask(page, question)
        expect_settled(page)
    open_list(page)
    expect(titles(page)).to_have_count(2)
    return page


def open_list(page: Page) -> None:
    if not page.locator("#menu").is_visible():
        page.get_by_role("button", name="My conversations").click()
    expect(page.locator("#menu")).to_be_visible()


def titles(page: Page) -> Locator:
    return page.locator("#menu .conversation-title")


def choose(page: Page, title: str, action: str) -> None:
    entry = page.locator("#menu li", has_text=title)
    entry.get_by_role("button", name="More for this conversation").click()
    page.locator("#actions").get_by_text(action, exact=True).click()


def test_opened_conversation_is_named_in_the_tab_and_said(listed: Page) -> None:
    titles(listed).last.click()

    expect(listed).to_have_title(re.compile("^孩子只吃白米饭怎么办？ · "))
    expect(listed.locator("#announcer")).to_contain_text("孩子只吃白米饭怎么办？")


def test_conversation_is_renamed_in_place(listed: Page) -> None:
    choose(listed, "白米饭", "Rename")
    expect(listed.get_by_label("New name of this conversation")).to_be_focused()

    listed.keyboard.type("Only rice")
    listed.keyboard.press("Enter")

    expect(titles(listed).filter(has_text="Only rice")).to_be_visible()
    expect(listed.get_by_role("link", name="Only rice")).to_be_focused()
    listed.reload()
    open_list(listed)
    expect(titles(listed).filter(has_text="Only rice")).to_be_visible()


def test_escape_keeps_the_name(listed: Page) -> None:
    choose(listed, "白米饭", "Rename")
    listed.keyboard.type("Only rice")

    listed.keyboard.press("Escape")

    expect(titles(listed).filter(has_text="白米饭")).to_be_visible()
    expect(titles(listed).filter(has_text="Only rice")).to_have_count(0)


def test_deleted_conversation_comes_back_by_keyboard(listed: Page) -> None:
    entry = listed.locator("#menu li", has_text="白米饭")
    entry.get_by_role("button", name="More for this conversation").focus()
    listed.keyboard.press("Enter")
    listed.get_by_role("button", name="Delete", exact=True).focus()

    listed.keyboard.press("Enter")
    expect(titles(listed)).to_have_count(1)
    expect(listed.get_by_role("button", name="Undo")).to_be_focused()
    listed.keyboard.press("Enter")

    expect(titles(listed)).to_have_count(2)
    expect(listed.get_by_role("link", name="白米饭")).to_be_focused()
    expect(listed.get_by_role("button", name="Undo")).to_be_hidden()


def test_deleting_the_open_conversation_begins_a_new_one(
    listed: Page, expert_site: ChatServer
) -> None:
    address = listed.url

    choose(listed, "蔬菜", "Delete")

    expect(titles(listed)).to_have_count(1)
    expect(listed).to_have_url(f"{expert_site.url}/")
    listed.get_by_role("button", name="Undo").click()
    expect(listed).to_have_url(address)


def test_offer_to_undo_goes_after_a_while(expert_site: ChatServer, parent: Visitor) -> None:
    page = parent.context.new_page()
    page.clock.install()
    page.goto(expert_site.url)
    ask(page, "孩子只吃白米饭怎么办？")
    expect_settled(page)
    open_list(page)

    choose(page, "白米饭", "Delete")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.mouse.move(5, 5)
    page.clock.fast_forward(10_500)

    expect(page.get_by_role("button", name="Undo")).to_be_hidden()
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_what_cannot_be_done_is_said_and_changes_nothing(listed: Page, parent: Visitor) -> None:
    parent.expected = re.compile("status of 503")
    listed.route("**/api/conversations/*", lambda route: route.fulfill(status=503))

    choose(listed, "白米饭", "Delete")

    expect(listed.get_by_text("That did not work. Please try again.").first).to_be_visible()
    expect(titles(listed)).to_have_count(2)


def test_search_asks_the_server_and_says_when_nothing_is_there(listed: Page) -> None:
    listed.get_by_role("searchbox").fill("白米饭")
    expect(titles(listed)).to_have_text([re.compile("白米饭")])

    listed.get_by_role("searchbox").fill("螺蛳粉")

    expect(listed.get_by_text("No conversation has these words.")).to_be_visible()
    listed.get_by_role("searchbox").fill("")
    expect(titles(listed)).to_have_count(2)


def test_link_is_made_copied_and_taken_back(
    listed: Page, parent: Visitor, english_visitor: Visitor
) -> None:
    parent.context.grant_permissions(["clipboard-read", "clipboard-write"])
    choose(listed, "蔬菜", "Share")
    listed.get_by_role("button", name="Make a link").click()
    expect(listed.get_by_text("The link shows it up to now.")).to_be_visible()
    address = listed.get_by_label("The link").input_value()

    listed.get_by_role("button", name="Copy the link").click()

    expect(listed.get_by_text("Copied.")).to_be_visible()
    assert listed.evaluate("() => navigator.clipboard.readText()") == address
    stranger = english_visitor.context.new_page()
    stranger.goto(address)
    expect(stranger.get_by_text("孩子不吃蔬菜怎么办？").first).to_be_visible()
    listed.get_by_role("button", name="Stop sharing").click()
    expect(listed.get_by_role("button", name="Make a link")).to_be_focused()
    english_visitor.expected = re.compile("status of 404")
    gone = stranger.goto(address)
    assert gone
    assert gone.status == 404


def test_conversation_is_saved_as_a_file(listed: Page) -> None:
    with listed.expect_download() as download:
        choose(listed, "蔬菜", "Save as data (JSON)")

    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert "孩子不吃蔬菜怎么办？" in json.dumps(json.loads(text), ensure_ascii=False)


def test_conversations_stand_under_their_days(expert_site: ChatServer, parent: Visitor) -> None:
    page = parent.context.new_page()
    page.route("**/api/conversations?*", pretended_list)
    page.goto(expert_site.url)

    open_list(page)

    expect(page.locator("#menu h3")).to_have_text(
        ["Today", "Yesterday", "Previous 7 days", re.compile(r"[A-Z]\w+ \d{4}")]
    )


def test_scrolling_brings_the_rest(expert_site: ChatServer, parent: Visitor) -> None:
    page = parent.context.new_page()
    page.route("**/api/conversations?*", long_list)
    page.goto(expert_site.url)
    open_list(page)
    expect(titles(page).first).to_have_text("Number 0")

    titles(page).nth(49).scroll_into_view_if_needed()

    expect(titles(page)).to_have_count(80)


def pretended_list(route: Route) -> None:
    ages = [0, 1, 5, 70] if "before" not in route.request.url else []
    route.fulfill(json={"conversations": [entry(age, days=age) for age in ages]})


def long_list(route: Route) -> None:
    begun = re.search(r"before=0+-0+-0+-0+-0*(\d+)", route.request.url)
    first = int(begun[1]) + 1 if begun else 0
    entries = [entry(number, minutes=number) for number in range(first, min(first + 50, 80))]
    route.fulfill(json={"conversations": entries})


def entry(number: int, **age: int) -> dict[str, object]:
    at = (datetime.now(UTC) - timedelta(**age)).isoformat()
    id_ = f"00000000-0000-0000-0000-{number:012}"
    return {"id": id_, "title": f"Number {number}", "rev": 1, "at": at, "shared": None}


def test_focus_stays_in_the_panel_and_returns(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    page.locator("#menu-button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#drawer")).to_be_visible()

    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(IN_PANEL)
    page.keyboard.press("Escape")

    expect(page.locator("#menu-button")).to_be_focused()


def test_list_beside_the_page_stays_closed(
    expert_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(expert_site.url)
    expect(page.locator("#menu")).to_be_visible()
    expect(page.locator("#menu-button")).to_have_attribute("aria-expanded", "true")

    page.get_by_role("button", name="Close the list").click()

    expect(page.locator("#menu")).to_be_hidden()
    page.reload()
    expect(page.locator("#menu-button")).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#menu")).to_be_hidden()
