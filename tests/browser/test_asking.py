"""A parent asks; experts answer in their own words."""

import re

from playwright.sync_api import expect

from tests.browser.visitor import Visitor, ask, expect_settled, last_question, last_reply
from tests.serving import ChatServer

SELF_INJURY = "自闭症孩子自伤怎么办？"


def test_parent_reads_the_experts_words(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)

    ask(page, SELF_INJURY)

    reply = last_reply(page)
    expect(last_question(page)).to_have_text(SELF_INJURY)
    expect(reply.locator("strong")).to_have_text("安全")
    expect(reply.locator("li")).to_have_text(
        ["用靠垫隔开，挡住受力处。", "少说话，带他离开太吵的地方。"]
    )
    expect(reply.locator(".blocks")).to_have_attribute("lang", "zh-Hans")
    expect(page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}$"))


def test_source_card_says_whose_words_they_are(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)

    ask(page, SELF_INJURY)

    card = last_reply(page).locator(".source")
    expect(card.locator(".source-by")).to_have_text("林医生 发育行为儿科医生")
    expect(card.locator(".source-review")).to_contain_text("2026年5月1日")
    expect(card.locator(".source-overdue")).to_be_hidden()
    link = card.get_by_role("link")
    expect(link).to_have_text("依据 www.nice.org.uk")
    address = "/leave?to=https%3A%2F%2Fwww.nice.org.uk%2Fguidance%2Fcg170"
    expect(link).to_have_attribute("href", address)
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")


def test_overdue_answer_is_labelled(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)

    ask(page, "自闭症孩子怎么上幼儿园？")

    expect(last_reply(page).locator(".source-overdue")).to_have_text("已过复审期限")


def test_unreviewed_answer_is_labelled(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)

    ask(page, "孩子只吃白米饭怎么办？")

    expect(last_reply(page).get_by_text("尚未审阅")).to_be_visible()


def test_example_can_be_tapped(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)

    page.get_by_role("button", name=SELF_INJURY).click()

    expect(last_question(page)).to_have_text(SELF_INJURY)
    expect(last_reply(page).locator(".source")).to_be_visible()
    expect(page.locator("#start")).to_be_hidden()


def test_suggestion_can_be_tapped(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    ask(page, "孩子上学")
    expect_settled(page)
    offered = last_reply(page).locator(".suggestion").first
    title = offered.inner_text()

    offered.click()

    expect(last_question(page)).to_have_text(title)
    expect(last_reply(page).locator(".source-title")).to_have_text(title)


def test_what_nobody_answered_is_not_made_up(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)

    ask(page, "怎么修理汽车的变速箱？")

    expect(last_reply(page)).to_have_attribute("data-state", "no_answer")
    expect(last_reply(page).locator(".source")).to_have_count(0)


def test_page_says_that_no_model_is_at_work(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)

    expect(page.get_by_text("没有使用人工智能，只引用专家原话。")).to_be_visible()


def test_page_says_that_a_model_writes(model_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(model_site.url)

    expect(page.get_by_text("由人工智能根据专家的回答写成，可能出错。")).to_be_visible()
