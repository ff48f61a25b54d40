"""Whose words a reply rests on, how sure that is, and what is said where there are none."""

from playwright.sync_api import Page, expect

from tests.browser.played_conversation import PlayedConversation, source
from tests.browser.visitor import Visitor, last_reply
from tests.browser.wire import Frame, Wire


def shown(page: Page, wire: Wire, *sources: Frame, **facts: object) -> None:
    conversation = PlayedConversation()
    asked = conversation.question("怎么办？")
    conversation.reply("先想一想。", asked, sources=list(sources), **facts)
    conversation.open(page, wire)


def test_first_source_is_open_and_the_rest_waits(page: Page, wire: Wire) -> None:
    titles = ("一", "二", "三")

    shown(page, wire, *[source(title=title) for title in titles], grounding="answer")

    cards = last_reply(page).locator(".source-title")
    expect(cards.first).to_be_visible()
    expect(cards.nth(1)).to_be_hidden()
    expect(last_reply(page).locator(".more-sources .count")).to_have_text("2")
    last_reply(page).locator(".more-sources > summary").click()
    expect(cards).to_have_text(titles)
    expect(cards.last).to_be_visible()


def test_one_source_alone_has_nothing_folded(page: Page, wire: Wire) -> None:
    shown(page, wire, source(), grounding="answer")

    expect(last_reply(page).locator(".source")).to_be_visible()
    expect(last_reply(page).locator(".more-sources")).to_have_count(0)


def test_words_of_the_expert_are_rendered_a_tap_away(page: Page, wire: Wire) -> None:
    shown(page, wire, source(), grounding="answer")
    words = last_reply(page).locator(".source-text")
    expect(words).to_be_hidden()

    last_reply(page).locator(".source-words > summary").click()

    expect(words.locator("strong")).to_have_text("安全")


def test_words_without_html_stand_as_they_were_written(page: Page, wire: Wire) -> None:
    shown(page, wire, source(html=None, text="先**安全**"), grounding="answer")

    last_reply(page).locator(".source-words > summary").click()

    expect(last_reply(page).locator(".source-text")).to_have_text("先**安全**")


def test_certainty_is_told_in_words_and_never_as_a_number(page: Page, wire: Wire) -> None:
    shown(page, wire, source(certain=False, score=0.4321), grounding="answer")

    expect(last_reply(page).locator("[data-certain=false]")).to_be_visible()
    expect(last_reply(page).locator("[data-certain=true]")).to_be_hidden()
    expect(last_reply(page)).not_to_contain_text("43")


def test_certainty_that_is_not_known_is_not_told(page: Page, wire: Wire) -> None:
    before = source()
    del before["certain"]

    shown(page, wire, before, grounding="answer")

    expect(last_reply(page).locator(".source")).to_be_visible()
    expect(last_reply(page).locator(".source-certain")).to_be_hidden()


def test_quote_is_called_one_and_does_not_stand_twice(page: Page, wire: Wire) -> None:
    shown(page, wire, source(text="先想一想。"), grounding="verbatim")

    expect(last_reply(page).locator("[data-grounding=verbatim]")).to_be_visible()
    expect(last_reply(page).locator(".source-words")).to_have_count(0)


def test_overdue_review_is_said(page: Page, wire: Wire) -> None:
    shown(page, wire, source(overdue=True), grounding="answer")

    expect(last_reply(page).locator(".source-overdue")).to_be_visible()


def test_link_leads_over_a_page_that_names_the_host(page: Page, wire: Wire) -> None:
    shown(page, wire, source(url="https://example.org/a?b=1&c=2#d"), grounding="answer")

    link = last_reply(page).locator(".source-basis")
    expect(link).to_contain_text("example.org")
    to = "https%3A%2F%2Fexample.org%2Fa%3Fb%3D1%26c%3D2%23d"
    expect(link).to_have_attribute("href", f"/leave?to={to}")


def test_address_that_is_none_of_the_web_is_no_link(page: Page, wire: Wire) -> None:
    shown(page, wire, source(url="javascript:window.hacked=1"), grounding="answer")

    expect(last_reply(page).locator(".source")).to_be_visible()
    expect(last_reply(page).locator(".source-basis")).to_be_hidden()


def test_reply_that_no_expert_stands_behind_says_so(page: Page, wire: Wire) -> None:
    shown(page, wire)

    expect(last_reply(page).locator(".ungrounded")).to_be_visible()


def test_choice_of_questions_is_not_called_ungrounded(page: Page, wire: Wire) -> None:
    shown(page, wire, suggestions=["是这个吗？"])

    expect(last_reply(page).locator(".suggestion")).to_have_text("是这个吗？")
    expect(last_reply(page).locator(".ungrounded")).to_be_hidden()


def test_card_fits_the_smallest_phone(page: Page, wire: Wire, visitor: Visitor) -> None:
    page.set_viewport_size({"width": 320, "height": 560})
    long = "很长的名字" * 12

    shown(page, wire, source(title=long, expert=long, role=long), source(), grounding="answer")

    last_reply(page).locator(".more-sources > summary").press("Enter")
    expect(last_reply(page).locator(".source").last).to_be_visible()
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") == 0
