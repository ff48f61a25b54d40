"""The start page: what this is, what to ask, and help one tap away."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visitor import NO_CONNECTION, Visitor, expect_settled, last_question, last_reply
from tests.serving import ChatServer


@pytest.fixture
def english_phone(chromium: Browser) -> Iterator[Visitor]:
    with Visitor(chromium, locale="en-GB").watched() as someone:
        yield someone


def test_offered_question_is_one_that_experts_have_answered(
    expert_site: ChatServer, visitor: Visitor
) -> None:
    page = visitor.visit(expert_site.url)
    example = page.locator(".examples button").first
    asked = example.inner_text()

    example.click()

    expect_settled(page)
    expect(last_question(page)).to_have_text(asked)
    expect(last_reply(page).locator(".source")).not_to_have_count(0)


def test_help_is_one_tap_away_in_every_conversation(
    expert_site: ChatServer, english_phone: Visitor
) -> None:
    page = english_phone.visit(expert_site.url)
    page.locator(".examples button").first.click()
    expect_settled(page)

    page.get_by_role("link", name="Urgent help").click()

    help_ = page.get_by_role("dialog", name="Help in an emergency")
    expect(help_.get_by_role("link", name="112")).to_have_attribute("href", "tel:112")
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    expect(page.get_by_role("link", name="Urgent help")).to_be_focused()


def test_help_is_there_without_network(expert_site: ChatServer, english_phone: Visitor) -> None:
    english_phone.expected = NO_CONNECTION
    page = english_phone.visit(expert_site.url)
    english_phone.context.set_offline(True)

    page.get_by_role("link", name="Urgent help").click()

    expect(page.get_by_role("dialog").get_by_role("link", name="911")).to_be_visible()


def test_help_is_there_before_any_script(chromium: Browser, expert_site: ChatServer) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(expert_site.url)

    page.get_by_role("link", name="Urgent help").click()

    expect(page.get_by_role("link", name="112")).to_be_visible()
    context.close()


def test_help_is_one_tap_away_from_pages_around_the_chat(
    expert_site: ChatServer, english_phone: Visitor
) -> None:
    page = english_phone.context.new_page()
    page.goto(f"{expert_site.url}/accounts/sign-in")

    page.get_by_role("link", name="Numbers and first steps").click()

    help_ = page.get_by_role("dialog", name="Help in an emergency")
    expect(help_.get_by_role("link", name="112")).to_be_visible()


def test_tap_beside_a_dialog_closes_it(expert_site: ChatServer, english_phone: Visitor) -> None:
    page = english_phone.visit(expert_site.url)
    page.get_by_role("link", name="What becomes of what you write").click()
    expect(page.locator("#privacy")).to_be_visible()

    page.mouse.click(180, 2)

    expect(page.locator("#privacy")).to_be_hidden()
