"""A real Chromium in front of real servers, and what every page must keep to.

Playwright lives in this package's fixtures only: its event loop must be gone before other tests
want one of their own.
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import NoBrowserError, launch
from tests.browser.visitor import Visitor
from tests.browser.wire import Turn, Wire
from tests.databases import database_url, new_database
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

ANSWERS = Path(__file__).with_name("answers.jsonl")
PICTURES = Path("var/test/browser")
PATIENCE_MS = 60_000


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except NoBrowserError as error:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def answers(knowledge: str) -> Iterator[str]:
    """A database with what these tests ask about."""
    with new_database(knowledge) as name:
        server = ChatServer(settings={"DATABASE_URL": database_url(name)})
        finished = server.manage("ingest", str(ANSWERS), "--publish", "--quiet")
        assert finished.returncode == 0, finished.stderr
        yield name


@pytest.fixture(scope="package")
def expert_site(answers: str) -> Iterator[ChatServer]:
    """Without a model: it quotes the experts."""
    with (
        new_database(answers) as name,
        ChatServer(settings={"DATABASE_URL": database_url(name)}) as server,
    ):
        yield server


@pytest.fixture(scope="package")
def model_site(answers: str, scripted_server: OpenAIServer) -> Iterator[ChatServer]:
    """With the scripted model behind it."""
    with (
        new_database(answers) as name,
        ChatServer(
            settings={
                "DATABASE_URL": database_url(name),
                "OPENAI_BASE_URL": scripted_server.base_url,
            }
        ) as server,
    ):
        yield server


@pytest.fixture
def mortal_database(answers: str) -> Iterator[str]:
    with new_database(answers) as name:
        yield name


@pytest.fixture
def mortal_site(mortal_database: str, scripted_server: OpenAIServer) -> Iterator[ChatServer]:
    """One test's own, to be killed; turns it leaves are taken up after three seconds."""
    settings = {
        "DATABASE_URL": database_url(mortal_database),
        "OPENAI_BASE_URL": scripted_server.base_url,
        "TURN_LEASE_SECONDS": "3",
    }
    with ChatServer(settings=settings) as server:
        yield server


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Visitor]:
    """A parent with a phone that speaks Chinese."""
    with Visitor(chromium, locale="zh-CN").watched() as someone:
        yield someone


@pytest.fixture
def english_visitor(chromium: Browser) -> Iterator[Visitor]:
    """A parent at a desk, in English."""
    with Visitor(chromium, locale="en-GB", width=1280, height=800).watched() as someone:
        yield someone


@pytest.fixture
def page(visitor: Visitor) -> Page:
    return visitor.context.new_page()


@pytest.fixture
def wire(page: Page, expert_site: ChatServer) -> Wire:
    """Of a page that is open and welcomed."""
    played = Wire(page)
    page.goto(expert_site.url)
    expect(page.locator("[data-mode=model]")).to_be_visible()
    return played


@pytest.fixture
def english_page(english_visitor: Visitor, expert_site: ChatServer) -> Page:
    """It has been open before, so that a test can begin with a connection of its own."""
    page = english_visitor.context.new_page()
    page.goto(expert_site.url)
    return page


@pytest.fixture
def turn(wire: Wire) -> Turn:
    """What the next message begins."""
    begun = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(begun.accepted(send))
    return begun


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test leaves a picture of each page."""
    report = yield
    if report.when == "call" and report.failed and isinstance(item, pytest.Function):
        for value in item.funcargs.values():
            if isinstance(value, Visitor):
                value.take_pictures(PICTURES / item.name)
    return report
