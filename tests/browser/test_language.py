"""Chinese and English: what the browser asks for, unless the visitor chooses."""

import re

from playwright.sync_api import expect

from tests.browser.visitor import Visitor, ask, expect_settled, last_reply
from tests.serving import ChatServer


def test_page_speaks_the_language_of_the_browser(
    expert_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(expert_site.url)

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", level=1)).to_have_text("You ask. Experts answer.")


def test_chosen_language_stays(expert_site: ChatServer, english_visitor: Visitor) -> None:
    page = english_visitor.visit(expert_site.url)

    page.get_by_role("button", name="中文").click()

    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.goto(expert_site.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("您问，专家答。")


def test_switching_keeps_the_conversation_and_the_draft(
    expert_site: ChatServer, visitor: Visitor
) -> None:
    page = visitor.visit(expert_site.url)
    ask(page, "孩子只吃白米饭怎么办？")
    expect_settled(page)
    address = page.url
    page.locator("#question").fill("还有")

    page.get_by_role("button", name="English").click()

    expect(page.get_by_role("button", name="中文")).to_be_visible()
    expect(page).to_have_url(address)
    expect(last_reply(page)).to_contain_text("一次只加一种新食物")
    expect(page.locator("#question")).to_have_value("还有")


def test_text_is_marked_with_its_own_language(
    expert_site: ChatServer, english_visitor: Visitor
) -> None:
    page = english_visitor.visit(expert_site.url)

    ask(page, "孩子只吃白米饭怎么办？")
    expect(last_reply(page)).to_have_attribute("lang", "zh-Hans")
    ask(page, "How do I handle my child's meltdowns?")

    expect(last_reply(page)).to_contain_text("A meltdown is not naughtiness")
    expect(last_reply(page)).to_have_attribute("lang", "en")


def test_missing_page_speaks_the_language_too(expert_site: ChatServer, visitor: Visitor) -> None:
    visitor.expected = re.compile("status of 404")
    page = visitor.context.new_page()

    response = page.goto(f"{expert_site.url}/nowhere")

    assert response is not None
    assert response.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("没有这个页面")
    expect(page.get_by_role("link", name="去聊天页")).to_be_visible()
