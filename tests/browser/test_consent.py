"""Agreeing before the first message, where the operator wants it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.visitor import NO_CONNECTION, Visitor, ask, expect_settled, last_question
from tests.browser.wire import wait_for
from tests.databases import database_url, new_database, rows
from tests.serving import ChatServer

CHANGED = """INSERT INTO chat_sitetext (kind, locale, number, text, created_at)
    VALUES ('consent', 'en', 1, 'Other words.', now()) RETURNING number"""


@pytest.fixture
def strict_database(answers: str) -> Iterator[str]:
    with new_database(answers) as name:
        yield name


@pytest.fixture
def strict_site(strict_database: str) -> Iterator[ChatServer]:
    settings = {"DATABASE_URL": database_url(strict_database), "CONSENT_REQUIRED": "true"}
    with ChatServer(settings=settings) as server:
        yield server


def consent(page: Page) -> None:
    page.get_by_role("button", name="I agree").click()
    expect(page.locator("#consent")).to_be_hidden()


def test_message_waits_for_consent_and_is_not_lost(
    strict_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(strict_site.url)
    ask(page, "孩子只吃白米饭怎么办？")
    expect(page.get_by_role("button", name="I agree")).to_be_focused()
    expect(page.locator("#question")).to_have_value("孩子只吃白米饭怎么办？")
    expect(page.locator(".question")).to_have_count(0)

    consent(page)
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.press("Enter")

    expect_settled(page)
    page.reload()
    expect(last_question(page)).to_have_text("孩子只吃白米饭怎么办？")
    expect(page.locator("#consent")).to_be_hidden()


def test_text_that_changed_meanwhile_is_shown_and_the_message_goes_out(
    strict_site: ChatServer, strict_database: str, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(strict_site.url)
    consent(page)
    assert rows(strict_database, CHANGED) == [(1,)]

    ask(page, "孩子只吃白米饭怎么办？")

    expect(page.locator("#consent")).to_contain_text("Other words.")
    expect(page.get_by_text("This text has changed. Please read it again.")).to_be_visible()
    consent(page)
    expect_settled(page)
    expect(page.locator(".question")).to_have_count(1)


def test_consent_is_taken_back(strict_site: ChatServer, english_visitor: Visitor) -> None:
    page = english_visitor.visit(strict_site.url)
    consent(page)
    page.get_by_role("button", name="Settings").click()

    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.get_by_role("button", name="Take back what I agreed to").click()

    expect(page.get_by_role("button", name="I agree")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="I agree")).to_be_visible()


def settings_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 560})
    page.get_by_role("button", name="My conversations").click()
    page.get_by_role("button", name="Settings").click()


def test_consent_on_a_phone_is_taken_back_in_sight(
    strict_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(strict_site.url)
    consent(page)
    settings_on_a_phone(page)

    page.get_by_role("button", name="Take back what I agreed to").click()

    expect(page.get_by_role("button", name="I agree")).to_be_focused()
    expect(page.get_by_role("button", name="I agree")).to_be_in_viewport()


def withdrawal_problem(page: Page) -> Locator:
    settings = page.get_by_role("dialog", name="Settings")
    return settings.get_by_role("alert").get_by_text("What you agreed to may still stand.")


def test_consent_that_cannot_be_taken_back_is_said_where_it_was_tried(
    strict_site: ChatServer, english_visitor: Visitor
) -> None:
    english_visitor.expected = re.compile("status of 503")
    page = english_visitor.visit(strict_site.url)
    consent(page)
    settings_on_a_phone(page)
    page.route("**/api/consent", lambda route: route.fulfill(status=503))

    page.get_by_role("button", name="Take back what I agreed to").click()

    expect(withdrawal_problem(page)).to_be_in_viewport(ratio=1)
    expect(page.locator("#consent")).to_be_hidden()
    page.unroute("**/api/consent")
    page.get_by_role("button", name="Take back what I agreed to").click()
    expect(page.get_by_role("button", name="I agree")).to_be_focused()


def test_consent_that_cannot_be_taken_back_is_said_to_who_closed_the_settings(
    strict_site: ChatServer, english_visitor: Visitor
) -> None:
    english_visitor.expected = NO_CONNECTION
    page = english_visitor.visit(strict_site.url)
    consent(page)
    page.get_by_role("button", name="Settings").click()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/consent", hold)
    page.get_by_role("button", name="Take back what I agreed to").click()
    wait_for(page, lambda: held)
    page.keyboard.press("Escape")
    expect(page.locator("#settings")).to_be_hidden()

    held[0].abort()

    expect(withdrawal_problem(page)).to_be_visible()


def test_consent_that_cannot_be_stored_is_said(
    strict_site: ChatServer, english_visitor: Visitor
) -> None:
    english_visitor.expected = re.compile("status of 503")
    page = english_visitor.visit(strict_site.url)
    page.route("**/api/consent", lambda route: route.fulfill(status=503))

    page.get_by_role("button", name="I agree").click()

    expect(page.get_by_role("alert").get_by_text("That did not work.")).to_be_visible()
    expect(page.locator("#consent")).to_be_visible()
