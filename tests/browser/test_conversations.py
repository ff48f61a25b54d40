"""Going from one conversation to another."""

import re
import uuid

from playwright.sync_api import expect

from tests.browser.visitor import Visitor, ask, expect_settled, last_question, last_reply
from tests.serving import ChatServer


def test_list_leads_back_to_a_conversation(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    ask(page, "孩子只吃白米饭怎么办？")
    expect_settled(page)
    first = page.url
    page.get_by_role("link", name="新对话").click()
    ask(page, "孩子不吃蔬菜怎么办？")
    expect_settled(page)

    page.get_by_role("button", name="我的对话").click()
    listed = page.get_by_role("navigation", name="我的对话").get_by_role("link")
    expect(listed).to_have_text([re.compile("孩子不吃蔬菜"), re.compile("孩子只吃白米饭")])
    listed.last.click()

    expect(page).to_have_url(first)
    expect(last_reply(page)).to_contain_text("一次只加一种新食物")
    expect(page.get_by_role("navigation", name="我的对话")).to_be_hidden()


def test_new_conversation_begins_empty(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    ask(page, "你好")
    expect_settled(page)

    page.get_by_role("link", name="新对话").click()

    expect(page.locator("#start")).to_be_visible()
    expect(page.locator(".question")).to_have_count(0)
    expect(page).to_have_url(f"{expert_site.url}/")


def test_back_returns_to_the_conversation(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    ask(page, "你好")
    expect_settled(page)
    page.get_by_role("link", name="新对话").click()
    expect(page.locator("#start")).to_be_visible()

    page.go_back()

    expect(last_question(page)).to_have_text("你好")


def test_escape_closes_the_list(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    page.get_by_role("button", name="我的对话").click()
    expect(page.get_by_text("还没有对话。")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.get_by_text("还没有对话。")).to_be_hidden()
    expect(page.get_by_role("button", name="我的对话")).to_be_focused()


def test_somebody_elses_conversation_is_not_found(
    expert_site: ChatServer, visitor: Visitor, english_visitor: Visitor
) -> None:
    theirs = visitor.visit(expert_site.url)
    ask(theirs, "你好")
    expect_settled(theirs)

    for address in (theirs.url, f"{expert_site.url}/c/{uuid.uuid4()}"):
        page = english_visitor.visit(address)
        expect(page.get_by_text("This conversation was not found.")).to_be_visible()
        expect(page.locator(".question")).to_have_count(0)


def test_asking_where_nothing_was_found_begins_anew(
    expert_site: ChatServer, visitor: Visitor
) -> None:
    missing = f"{expert_site.url}/c/{uuid.uuid4()}"
    page = visitor.visit(missing)
    expect(page.get_by_text("没有找到这个对话。")).to_be_visible()

    ask(page, "你好")

    expect_settled(page)
    expect(page.get_by_text("没有找到这个对话。")).to_be_hidden()
    assert page.url != missing
