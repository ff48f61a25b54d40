"""On a Chinese page there is nothing in English, read aloud or seen."""

import re

import pytest
from playwright.sync_api import Page

from tests.browser.places import PLACES, Place
from tests.browser.visitor import Visitor
from tests.serving import ChatServer

ADDRESS = re.compile(r"https?://\S+|www\.\S+")
THREE_WORDS = re.compile(r"[A-Za-z]{2,}(?:[ ,.’'-]+[A-Za-z]+){2,}")
WORDS_IN_SIGHT = """() => {
    const own = document.documentElement.lang;
    const foreign = one => one.closest("[lang]").lang !== own
        || one.closest("[translate=no], code");
    const names = ["aria-label", "title", "placeholder", "alt", "aria-description"];
    const said = [document.title];
    for (const one of document.querySelectorAll("body *:not(script, style, template)")) {
        if (foreign(one) || !one.checkVisibility()) continue;
        for (const node of one.childNodes) {
            if (node.nodeType === Node.TEXT_NODE) said.push(node.data);
        }
        for (const name of names) said.push(one.getAttribute(name) || "");
    }
    return said.map(text => text.trim()).filter(Boolean);
}"""
HIDDEN_YET = """() => {
    for (const one of document.querySelectorAll("template")) {
        document.body.append(document.importNode(one.content, true));
    }
    for (const one of document.querySelectorAll("[hidden]")) one.hidden = false;
    for (const one of document.querySelectorAll("dialog, details")) one.open = true;
}"""


def english(page: Page) -> list[str]:
    said = (ADDRESS.sub("", text) for text in page.evaluate(WORDS_IN_SIGHT))
    return [text for text in said if THREE_WORDS.search(text)]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_chinese_page_is_chinese(expert_site: ChatServer, visitor: Visitor, place: Place) -> None:
    visitor.expected = place.complains_of
    page = visitor.context.new_page()

    place.open(page, expert_site.url)

    assert english(page) == []


@pytest.mark.parametrize("path", ["", "/widget"])
def test_what_the_page_may_yet_say_is_chinese_too(
    expert_site: ChatServer, visitor: Visitor, path: str
) -> None:
    """Templates, dialogs and whatever is hidden until it is needed."""
    page = visitor.visit(f"{expert_site.url}{path}")

    page.evaluate(HIDDEN_YET)

    assert english(page) == []
