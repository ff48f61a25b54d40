"""What a page says, seen or read aloud."""

import re

from playwright.sync_api import Page

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


def english(page: Page) -> list[str]:
    """What a page in another language says in English."""
    said = (ADDRESS.sub("", text) for text in page.evaluate(WORDS_IN_SIGHT))
    return [text for text in said if THREE_WORDS.search(text)]
