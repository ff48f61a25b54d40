"""What somebody wrote in Arabic runs from the right, and the page around it its own way."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import barriers
from tests.browser.played_conversation import PlayedConversation, source
from tests.browser.played_turn import begin
from tests.browser.visitor import ask, last_question, last_reply
from tests.browser.wire import Turn, Wire

REPLY = """<p>اجعله في مكان هادئ أولاً.</p>
<ul><li>تكلم قليلاً</li><li>انتظر</li></ul>
<blockquote><p>قال الطبيب</p></blockquote>
<table><thead><tr><th>سؤال</th><th>جواب</th></tr></thead>
<tbody><tr><td>نعم</td><td>لا</td></tr></tbody></table>"""
GAP_TO_THE_RIGHT = """one => {
    const edge = one.closest("#transcript").getBoundingClientRect().right;
    return Math.round(edge - one.getBoundingClientRect().right);
}"""


@pytest.fixture
def arabic(page: Page, wire: Wire) -> PlayedConversation:
    conversation = PlayedConversation()
    answer = source(
        title="كيف أهدئ طفلي؟",
        expert="د. ليلى",
        role="طبيبة أطفال",
        text="اجعله آمنا.",
        html="<p>اجعله <strong>آمنا</strong>.</p><ul><li>اجلس معه</li></ul>",
        url="https://example.org/a",
    )
    asked = conversation.question("ماذا أفعل عندما يغضب طفلي؟")
    told = conversation.reply(
        "اجعله في مكان هادئ أولاً.",
        asked,
        grounding="answer",
        sources=[answer],
        suggestions=["متى ينام؟"],
    )
    told["html"] = REPLY
    conversation.open(page, wire)
    page.locator(".source-words > summary").click()
    return conversation


def style(element: Locator, name: str) -> str:
    return str(element.evaluate(f"one => getComputedStyle(one).{name}"))


@pytest.mark.usefixtures("arabic")
@pytest.mark.parametrize(
    "written",
    [
        ".question-text p",
        ".blocks p",
        ".blocks li",
        ".blocks td",
        ".source-title",
        ".source-by",
        ".source-text p",
        ".source-text li",
        ".reply .suggestion",
    ],
)
def test_arabic_runs_from_the_right(page: Page, written: str) -> None:
    element = page.locator(written).first

    assert style(element, "direction") == "rtl"


@pytest.mark.usefixtures("arabic")
@pytest.mark.parametrize("own", [".source-kind", ".source-host", ".suggestions-title"])
def test_words_of_the_page_in_an_arabic_reply_run_as_the_page_does(page: Page, own: str) -> None:
    element = page.locator(own).first

    assert style(element, "direction") == "ltr"


@pytest.mark.usefixtures("arabic")
def test_marks_of_an_arabic_reply_stand_on_the_right(page: Page) -> None:
    points, quote = page.locator(".blocks ul"), page.locator(".blocks blockquote")
    table_head = page.locator(".blocks th")

    assert style(points, "paddingLeft") == "0px"
    assert style(points, "paddingRight") != "0px"
    assert style(quote, "borderLeftWidth") == "0px"
    assert style(quote, "borderRightWidth") == "3px"
    assert table_head.first.evaluate(GAP_TO_THE_RIGHT) < 5
    assert table_head.last.evaluate(GAP_TO_THE_RIGHT) > 5


@pytest.mark.usefixtures("arabic")
def test_arabic_reply_has_no_barriers(page: Page) -> None:
    assert barriers(page) == []


def test_short_arabic_question_stands_where_every_question_does(
    page: Page, wire: Wire, arabic: PlayedConversation
) -> None:
    arabic.exchange("نعم", "حسناً", arabic.messages[-1])

    arabic.open(page, wire)

    bubble = page.locator(".question-text").last
    expect(bubble).to_have_text("نعم")
    assert bubble.evaluate(GAP_TO_THE_RIGHT) == 0


@pytest.mark.usefixtures("turn")
def test_arabic_question_runs_from_the_right_at_once(page: Page) -> None:
    ask(page, "ماذا أفعل؟")

    assert style(last_question(page).locator("p"), "direction") == "rtl"


def test_each_block_runs_its_own_way_from_its_first_letter_on(
    page: Page, wire: Wire, turn: Turn
) -> None:
    begin(page)
    tail, blocks = last_reply(page).locator(".tail"), last_reply(page).locator(".blocks > div")
    wire.send(turn.text("- اجلس معه\n\n", "1-1"))
    expect(tail).to_contain_text("اجلس معه")
    assert style(tail, "direction") == "rtl"

    html = "<ul><li>اجلس معه</li></ul>"
    wire.send(turn.event("1-2", kind="block", start=0, end=12, html=html))
    wire.send(turn.text("Sit down.\n\n", "1-3"))
    wire.send(turn.event("1-4", kind="block", start=12, end=23, html="<p>Sit down.</p>"))

    expect(blocks).to_have_text(["اجلس معه", "Sit down."])
    assert [style(block, "direction") for block in blocks.all()] == ["rtl", "ltr"]
