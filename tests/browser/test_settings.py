"""Colours, size of the text and keys, as the visitor wants them; and text from right to left."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_layout import TOO_FAINT, TOO_SMALL, width_beyond
from tests.browser.visitor import Visitor, ask, expect_settled
from tests.serving import ChatServer

GROUND = "() => getComputedStyle(document.documentElement).backgroundColor"
DARK = "rgb(18, 25, 26)"


def settings_of(page: Page) -> None:
    if not page.locator("#menu").is_visible():
        page.locator("#menu-button").click()
    page.locator("[data-dialog=settings]").click()
    expect(page.locator("#settings")).to_be_visible()
    expect(page.locator("#settings [name=theme]:checked")).to_have_count(1)


def test_chosen_colours_stay_and_are_there_before_the_first_paint(
    expert_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(expert_site.url)
    settings_of(page)

    page.get_by_label("Dark").check()

    assert page.evaluate(GROUND) == DARK
    assert page.evaluate(TOO_FAINT) == []
    page.route("**/main*.js", lambda route: route.abort())
    english_visitor.expected = None
    page.reload(wait_until="commit")
    page.wait_for_function(f"() => document.body && ({GROUND})() === {DARK!r}")
    english_visitor.complaints.clear()


def test_colours_follow_the_device_again(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(GROUND) == DARK
    settings_of(page)

    page.locator("[name=theme][value=light]").check()
    assert page.evaluate(GROUND) != DARK
    page.locator("[name=theme][value='']").check()

    assert page.evaluate(GROUND) == DARK


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_largest_text_fits_the_smallest_phone(
    expert_site: ChatServer, visitor: Visitor, direction: str
) -> None:
    page = visitor.visit(expert_site.url)
    page.set_viewport_size({"width": 320, "height": 640})
    page.evaluate(f"document.documentElement.dir = '{direction}'")
    settings_of(page)

    page.locator("[value=larger]").check()

    assert page.evaluate("() => getComputedStyle(document.documentElement).fontSize") == "22px"
    for leave in ("#settings", "#drawer"):
        assert width_beyond(page) == 0
        assert page.evaluate(TOO_SMALL) == []
        page.keyboard.press("Escape")
        expect(page.locator(leave)).to_be_hidden()
    ask(page, "孩子只吃白米饭怎么办？")
    expect_settled(page)
    assert width_beyond(page) == 0
    page.reload()
    assert page.evaluate("() => getComputedStyle(document.documentElement).fontSize") == "22px"


def test_list_stands_at_the_right_where_text_runs_from_there(
    expert_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(expert_site.url)

    page.evaluate("document.documentElement.dir = 'rtl'")

    box = page.locator("#sidebar").bounding_box()
    assert box
    assert box["x"] + box["width"] == 1280
    assert width_beyond(page) == 0


def test_keys_search_begin_and_write(expert_site: ChatServer, english_visitor: Visitor) -> None:
    page = english_visitor.visit(expert_site.url)
    ask(page, "孩子只吃白米饭怎么办？")
    expect_settled(page)

    page.keyboard.press("Control+k")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Control+Shift+O")

    expect(page.locator("#start")).to_be_visible()
    expect(page.locator("#question")).to_be_focused()


def test_single_keys_are_letters_while_somebody_writes(
    expert_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(expert_site.url)

    page.locator("#question").press_sequentially("Why? a/b")

    expect(page.locator("#question")).to_have_value("Why? a/b")
    expect(page.locator("#shortcuts")).to_be_hidden()


def test_single_keys_can_be_switched_off(expert_site: ChatServer, english_visitor: Visitor) -> None:
    page = english_visitor.visit(expert_site.url)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    settings_of(page)
    page.get_by_label("No shortcuts of a single key").check()
    page.keyboard.press("Escape")
    expect(page.locator("#settings")).to_be_hidden()

    page.keyboard.press("?")
    page.keyboard.press("Control+k")

    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(page.locator("#shortcuts")).to_be_hidden()
