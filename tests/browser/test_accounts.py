"""Accounts in a real browser: from the first question to the last page."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_layout import SIZES, TOO_FAINT, TOO_SMALL, width_beyond
from tests.browser.visitor import Visitor, ask, expect_settled, last_question
from tests.chat_client import new_id
from tests.serving import ChatServer

PASSWORD = "mornings are for pancakes"
CLEARED = re.compile("Cleared data types")


@pytest.fixture
def name() -> str:
    return f"mei-{new_id()}"


@pytest.fixture
def quiet_visitor(english_visitor: Visitor) -> Visitor:
    """Chromium says aloud what it has cleared."""
    english_visitor.expected = CLEARED
    return english_visitor


@pytest.fixture(params=["light", "dark"])
def tinted(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    with Visitor(chromium, locale="zh-CN", color_scheme=request.param).watched() as someone:
        yield someone


@pytest.fixture
def without_javascript(chromium: Browser, expert_site: ChatServer) -> Iterator[Page]:
    context = chromium.new_context(
        locale="en-GB", java_script_enabled=False, base_url=expert_site.url
    )
    yield context.new_page()
    context.close()


def sign_up(page: Page, name: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The password again").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()


def sign_out(page: Page, site: ChatServer) -> None:
    page.goto(f"{site.url}/accounts/")
    page.get_by_role("button", name="Sign out", exact=True).click()


def test_conversation_is_taken_along_and_gone_after_signing_out(
    expert_site: ChatServer, quiet_visitor: Visitor, name: str
) -> None:
    page = quiet_visitor.visit(expert_site.url)
    ask(page, "How do I handle my child's meltdowns?")
    expect_settled(page)
    conversation = page.url

    page.goto(f"{expert_site.url}/accounts/sign-up?next={conversation}")
    sign_up(page, name)
    expect(page.get_by_text("This browser has 1 conversation from before.")).to_be_visible()
    page.get_by_role("button", name="Take them").click()

    expect(page).to_have_url(conversation)
    expect(last_question(page)).to_contain_text("meltdowns")
    expect(page.locator(".account-entry")).to_contain_text(name)
    sign_out(page, expert_site)
    expect(page.locator(".account-entry")).to_contain_text("Sign in")
    page.goto(conversation)
    expect(page.locator("[data-state=missing]")).to_be_visible()


def test_conversation_that_is_left_is_there_again_after_signing_out(
    expert_site: ChatServer, quiet_visitor: Visitor, name: str
) -> None:
    page = quiet_visitor.visit(expert_site.url)
    ask(page, "How do I handle my child's meltdowns?")
    expect_settled(page)
    conversation = page.url
    page.goto(f"{expert_site.url}/accounts/sign-up")
    sign_up(page, name)
    page.get_by_role("button", name="Leave them here").click()
    expect(page.locator("#start")).to_be_visible()

    sign_out(page, expert_site)
    page.goto(conversation)

    expect(last_question(page)).to_contain_text("meltdowns")


def test_password_can_be_looked_at_and_pasted(
    expert_site: ChatServer, quiet_visitor: Visitor
) -> None:
    page = quiet_visitor.context.new_page()
    page.goto(f"{expert_site.url}/accounts/sign-in")
    field = page.get_by_label("Password", exact=True)
    eye = page.get_by_role("button", name="Show the password")

    page.get_by_label("User name").fill(PASSWORD)
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    field.focus()
    page.keyboard.press("Control+v")
    eye.click()

    expect(field).to_have_value(PASSWORD)
    expect(field).to_have_attribute("type", "text")
    expect(eye).to_have_attribute("aria-pressed", "true")
    eye.click()
    expect(field).to_have_attribute("type", "password")


def test_what_is_wrong_has_the_focus_and_is_said_there(
    expert_site: ChatServer, quiet_visitor: Visitor, name: str
) -> None:
    page = quiet_visitor.context.new_page()
    page.goto(f"{expert_site.url}/accounts/sign-in")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill("wrong")

    page.keyboard.press("Enter")

    field = page.get_by_label("Password", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(
        "Name and password do not belong together. Please check both."
    )
    expect(page.get_by_label("User name")).to_have_value(name)


def test_everything_works_without_javascript(without_javascript: Page, name: str) -> None:
    page = without_javascript

    page.goto("/accounts/sign-up")
    sign_up(page, name)
    page.goto("/accounts/")
    expect(page.locator("main strong")).to_have_text(name)
    expect(page.locator(".reveal:visible")).to_have_count(0)
    page.get_by_role("link", name="Delete my account").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Delete my account for good").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Your account is deleted")
    page.goto("/accounts/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest.mark.parametrize("page_name", ["sign-in", "sign-up"])
def test_pages_fit_thumbs_eyes_and_small_screens(
    expert_site: ChatServer, tinted: Visitor, page_name: str
) -> None:
    page = tinted.context.new_page()
    page.goto(f"{expert_site.url}/accounts/{page_name}")
    page.locator("main .chosen").click()

    assert page.evaluate(TOO_FAINT) + page.evaluate(TOO_SMALL) == []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert width_beyond(page) == 0


def test_pages_of_an_account_fit_small_screens_with_a_long_name(
    expert_site: ChatServer, quiet_visitor: Visitor, name: str
) -> None:
    page = quiet_visitor.context.new_page()
    page.set_viewport_size({"width": 320, "height": 560})
    page.goto(f"{expert_site.url}/accounts/sign-up")
    sign_up(page, name * 3)

    for path in ("", "password", "sign-out-elsewhere", "delete"):
        page.goto(f"{expert_site.url}/accounts/{path}")
        assert width_beyond(page) == 0
        assert page.evaluate(TOO_FAINT) + page.evaluate(TOO_SMALL) == []


def test_back_button_shows_nothing_of_an_account_after_signing_out(
    expert_site: ChatServer, quiet_visitor: Visitor, name: str
) -> None:
    page = quiet_visitor.context.new_page()
    page.goto(f"{expert_site.url}/accounts/sign-up")
    sign_up(page, name)
    sign_out(page, expert_site)
    expect(page.locator(".account-entry")).to_contain_text("Sign in")

    page.go_back()

    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(page.get_by_text(name)).to_have_count(0)
