"""What axe-core can find, it does not find: on every page, in each language, size and theme."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.axe import barriers
from tests.browser.places import PLACES, Place
from tests.browser.reading import english
from tests.browser.visitor import Visitor, ask, expect_settled
from tests.openai_script import Answer, CallTool
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

LOOKS = {"phone": ("zh-CN", 360, 740), "desk": ("en-GB", 1280, 800)}
WIDE = {"start", "conversation", "menu", "settings", "actions"}
"""What is another page where there is room."""


@pytest.fixture(params=LOOKS)
def someone(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    locale, width, height = LOOKS[request.param]
    with Visitor(chromium, locale=locale, width=width, height=height).watched() as visitor:
        yield visitor


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_page_can_be_used_by_everybody_and_is_all_chinese(
    expert_site: ChatServer, visitor: Visitor, place: Place
) -> None:
    visitor.expected = place.complains_of
    page = visitor.context.new_page()
    place.open(page, expert_site.url)

    found = english(page) + barriers(page)
    page.emulate_media(color_scheme="dark")
    found += barriers(page, rules=["color-contrast"])

    assert found == []


@pytest.mark.parametrize(
    "place", [each for each in PLACES if each.name in WIDE], ids=lambda place: place.name
)
def test_page_at_a_desk_can_be_used_by_everybody(
    expert_site: ChatServer, english_visitor: Visitor, place: Place
) -> None:
    page = english_visitor.context.new_page()
    place.open(page, expert_site.url)

    assert barriers(page) == []


def test_expert_s_own_words_can_be_read_by_everybody(
    model_site: ChatServer, someone: Visitor, scripted_server: OpenAIServer
) -> None:
    page = someone.visit(model_site.url)
    question = "自闭症孩子自伤怎么办？"
    scripted_server.script(
        CallTool(question), Answer("先看是否安全。\n\n| a | b |\n|-|-|\n| 1 | 2 |")
    )
    ask(page, question)
    expect_settled(page)

    page.locator(".source summary").first.click()

    assert barriers(page) == []


def test_admin_can_be_entered_by_everybody(expert_site: ChatServer, someone: Visitor) -> None:
    page = someone.context.new_page()

    page.goto(f"{expert_site.url}/admin/login/")

    assert barriers(page) == []


def test_barrier_is_found_where_there_is_one(expert_site: ChatServer, someone: Visitor) -> None:
    page = someone.context.new_page()
    page.goto(expert_site.url)

    page.evaluate("() => document.querySelector('.send').removeAttribute('aria-label')")
    page.evaluate("() => document.querySelector('.send').removeAttribute('title')")

    assert any(found.startswith("button-name") for found in barriers(page))
