"""The page as an application: what Chromium asks of one, and what is there without network."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.visitor import ask, expect_settled
from tests.browser.wire import wait_for
from tests.databases import database_url, new_database, rows
from tests.serving import ChatServer

CONTROLLED = "() => Boolean(navigator.serviceWorker.controller)"
GONE = "async () => (await navigator.serviceWorker.getRegistrations()).length === 0"
KEPT = """async () => {
    const caches_ = await Promise.all((await caches.keys()).map(name => caches.open(name)));
    const requests = (await Promise.all(caches_.map(cache => cache.keys()))).flat();
    return requests.map(({ url }) => new URL(url).pathname);
}"""
KEPT_PAGE = """async () => {
    const page = await caches.match("/offline?language=en");
    return page ? page.text() : "";
}"""
CRISIS_TEXT = """INSERT INTO chat_sitetext (kind, locale, number, text, created_at)
    VALUES ('crisis', 'en', 1, 'Call [000](tel:000).', now()) RETURNING number"""


@pytest.fixture
def device(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(locale="en-GB", viewport={"width": 360, "height": 740})
    yield context
    context.close()


def controlled(device: BrowserContext, address: str) -> Page:
    page = device.new_page()
    page.goto(address)
    page.wait_for_function(CONTROLLED)
    return page


def test_chromium_finds_nothing_missing(expert_site: ChatServer, device: BrowserContext) -> None:
    page = controlled(device, expert_site.url)
    session = device.new_cdp_session(page)

    found = session.send("Page.getAppManifest")
    problems = session.send("Page.getInstallabilityErrors")

    assert found["errors"] == []
    assert json.loads(found["data"])["name"] == "Expertline: ask, and experts answer"
    errors = {each["errorId"] for each in problems["installabilityErrors"]}
    assert errors <= {"in-incognito"}  # as every context of Playwright's is


def test_page_without_network_shows_what_was_not_sent(
    expert_site: ChatServer, device: BrowserContext
) -> None:
    page = controlled(device, expert_site.url)
    device.set_offline(True)
    ask(page, "Written on the train")
    expect(page.locator(".question-text")).to_have_text(["Written on the train"])

    page.reload()

    expect(page.get_by_role("heading", name="You are offline")).to_be_visible()
    expect(page.locator(".unsent li")).to_have_text("Written on the train")
    device.set_offline(False)
    expect(page.locator(".question-text")).to_have_text(["Written on the train"])
    expect(page.locator(".reply")).to_be_visible()


def test_page_without_network_names_whom_to_call_before_all_else(
    expert_site: ChatServer, device: BrowserContext
) -> None:
    page = controlled(device, expert_site.url)
    device.set_offline(True)

    page.reload()

    help_ = page.get_by_role("region", name="Help in an emergency")
    link = help_.get_by_role("link", name="112")
    expect(link).to_be_in_viewport()
    expect(link).to_have_attribute("href", "tel:112")
    expect(link).to_have_css("font-weight", "600")


def test_changed_crisis_text_is_there_without_network_after_the_next_visit(
    mortal_site: ChatServer, mortal_database: str, device: BrowserContext
) -> None:
    page = controlled(device, mortal_site.url)
    assert rows(mortal_database, CRISIS_TEXT) == [(1,)]

    page.reload()
    wait_for(page, lambda: "tel:000" in page.evaluate(KEPT_PAGE))
    device.set_offline(True)
    page.reload()

    expect(page.get_by_role("link", name="000")).to_be_visible()


def test_conversations_are_never_kept(expert_site: ChatServer, device: BrowserContext) -> None:
    page = controlled(device, expert_site.url)
    ask(page, "孩子只吃白米饭怎么办？")
    expect_settled(page)
    page.reload()
    expect_settled(page)

    kept = page.evaluate(KEPT)

    assert "/offline" in kept
    assert all(path == "/offline" or path.startswith("/static/") for path in kept)


def test_worker_goes_when_the_operator_wants_none(answers: str, device: BrowserContext) -> None:
    with (
        new_database(answers) as name,
        ChatServer(settings={"DATABASE_URL": database_url(name)}) as server,
    ):
        controlled(device, server.url).close()
        server.settings["OFFLINE_PAGE"] = "false"
        server.restart()
        page = device.new_page()

        page.goto(server.url)

        wait_for(page, lambda: page.evaluate(GONE))
