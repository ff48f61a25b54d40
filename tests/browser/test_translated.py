"""What a Chinese page may yet say is Chinese too; test_accessibility reads what it says at once."""

import pytest

from tests.browser.reading import english
from tests.browser.visitor import Visitor
from tests.serving import ChatServer

HIDDEN_YET = """() => {
    for (const one of document.querySelectorAll("template")) {
        document.body.append(document.importNode(one.content, true));
    }
    for (const one of document.querySelectorAll("[hidden]")) one.hidden = false;
    for (const one of document.querySelectorAll("dialog, details")) one.open = true;
}"""


@pytest.mark.parametrize("path", ["", "/widget"])
def test_what_the_page_may_yet_say_is_chinese_too(
    expert_site: ChatServer, visitor: Visitor, path: str
) -> None:
    """Templates, dialogs and whatever is hidden until it is needed."""
    page = visitor.visit(f"{expert_site.url}{path}")

    page.evaluate(HIDDEN_YET)

    assert english(page) == []
