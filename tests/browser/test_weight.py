"""How much a first visit loads, and that its parts come small and are kept."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Route, expect

from chat.module_graph import modules_of
from tests.browser.transfers import Transfers
from tests.browser.visitor import Visitor
from tests.databases import database_url, new_database
from tests.serving import ChatServer

MOST_BYTES = 60 * 1024
MOST_WIDGET_BYTES = 5 * 1024
HASHED = re.compile(r"\.[0-9a-f]{12}\.")


@pytest.fixture(scope="module")
def collected_site(answers: str) -> Iterator[ChatServer]:
    """Set up as an operator sets it up: with its files compressed under names of their own."""
    with (
        new_database(answers) as name,
        ChatServer(settings={"DATABASE_URL": database_url(name)}, set_up=True) as server,
    ):
        yield server


@pytest.fixture
def first_visit(collected_site: ChatServer, visitor: Visitor) -> dict[str, int]:
    """Bytes by address, of all that came until the page was of use."""
    page = visitor.context.new_page()
    transfers = Transfers(visitor.context.new_cdp_session(page))
    page.goto(collected_site.url, wait_until="networkidle")
    expect(page.locator("[data-mode]:not([hidden])")).to_be_visible()
    return transfers.sizes


def test_first_visit_is_light(first_visit: dict[str, int]) -> None:
    largest_first = sorted(first_visit.items(), key=lambda each: -each[1])

    assert sum(first_visit.values()) <= MOST_BYTES, largest_first


def test_everything_beside_the_page_is_kept_for_ever(
    collected_site: ChatServer, first_visit: dict[str, int]
) -> None:
    files = [address for address in first_visit if "/static/" in address]

    assert files
    for address in files:
        assert HASHED.search(address), address
        headers = httpx2.get(address).headers
        assert "immutable" in headers["cache-control"], address
        assert headers["x-content-type-options"] == "nosniff"


def test_texts_come_compressed(collected_site: ChatServer, first_visit: dict[str, int]) -> None:
    texts = [address for address in first_visit if re.search(r"\.(js|css)$|/$", address)]

    for address in texts:
        answer = httpx2.get(address, headers={"Accept-Encoding": "gzip"})
        small = len(answer.content) < 250  # compressed, it would be larger
        assert small or answer.headers["content-encoding"] == "gzip", address


def test_page_begins_with_the_modules_that_it_names(
    collected_site: ChatServer, visitor: Visitor
) -> None:
    """One that is missing in the list would cost a round trip, and here it does not come at all."""
    visitor.expected = re.compile("ERR_FAILED|dynamically imported module")
    page = visitor.context.new_page()
    html = httpx2.get(collected_site.url).text
    named = set(re.findall(r'"(/static/[^"]+\.js)"', html))
    page.route(
        "**/static/**/*.js",
        lambda route: route.continue_() if path_of(route) in named else route.abort(),
    )

    page.goto(collected_site.url)

    expect(page.locator("[data-mode]:not([hidden])")).to_be_visible()


def path_of(route: Route) -> str:
    return urlsplit(route.request.url).path


def test_few_files_stand_between_a_visitor_and_the_first_message(
    collected_site: ChatServer, visitor: Visitor
) -> None:
    """Each six cost a round trip, 150 ms on a slow phone; bench/page_load.py measures the time."""
    visitor.expected = re.compile("ERR_FAILED|dynamically imported module")
    page = visitor.context.new_page()
    page.route("**/static/chat/views.*.js", lambda route: route.abort())
    page.route("**/static/chat/shell.*.js", lambda route: route.abort())
    page.goto(collected_site.url)

    page.wait_for_function("() => performance.getEntriesByName('usable').length")

    needed = modules_of("chat/main.js")
    blocking = page.locator("link[rel=stylesheet], script:not([type=module])").count()
    assert len(needed) + blocking <= 3 * 6


def test_script_of_the_widget_is_light(collected_site: ChatServer) -> None:
    with httpx2.stream("GET", f"{collected_site.url}/widget.js") as answer:
        sent = b"".join(answer.iter_raw())

    assert answer.headers["content-encoding"] == "gzip"
    assert len(sent) <= MOST_WIDGET_BYTES


def test_page_works_before_files_are_collected(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)

    addresses = page.evaluate("() => performance.getEntriesByType('resource').map(e => e.name)")

    assert addresses
    assert not any(HASHED.search(address) for address in addresses)
