"""The field where visitors write."""

from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor, ask, expect_settled, last_question
from tests.serving import ChatServer

COMPOSING_ENTER = """field => field.dispatchEvent(new KeyboardEvent(
    "keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }))"""
LAST_ENTER_IN_SAFARI = """field => field.dispatchEvent(new KeyboardEvent(
    "keydown", { key: "Enter", keyCode: 229, bubbles: true, cancelable: true }))"""


def field(page: Page) -> str:
    return page.locator("#question").input_value()


def test_enter_of_an_input_method_does_not_send(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    page.locator("#question").fill("haizi")

    page.locator("#question").evaluate(COMPOSING_ENTER)
    page.locator("#question").evaluate(LAST_ENTER_IN_SAFARI)

    assert field(page) == "haizi"
    expect(page.locator(".question")).to_have_count(0)


def test_shift_enter_begins_a_line_and_enter_sends(
    expert_site: ChatServer, visitor: Visitor
) -> None:
    page = visitor.visit(expert_site.url)
    page.locator("#question").press_sequentially("谢")

    page.locator("#question").press("Shift+Enter")
    page.locator("#question").press_sequentially("谢")
    assert field(page) == "谢\n谢"
    page.locator("#question").press("Enter")

    expect(last_question(page)).to_have_text("谢 谢")
    assert field(page) == ""


def test_button_sends(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    page.locator("#question").fill("你好")

    page.get_by_role("button", name="发送").click()

    expect(last_question(page)).to_have_text("你好")
    expect_settled(page)


def test_blank_text_is_not_sent(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)

    ask(page, " \n ")

    expect(page.locator(".question")).to_have_count(0)
    expect(page.locator("#question")).to_be_focused()


def test_what_no_frame_holds_is_kept_and_said(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)

    ask(page, "痛" * 6000)

    expect(page.get_by_text("这段话太长了，请分成两条发送。")).to_be_visible()
    expect(page.locator(".question")).to_have_count(0)
    assert field(page) == "痛" * 6000


def test_draft_outlives_a_reload(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    page.locator("#question").fill("他今天又")

    page.reload()

    expect(page.locator("#question")).to_have_value("他今天又")
