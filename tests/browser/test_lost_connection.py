"""A bad network, and servers that fail: nothing written is lost, and nothing is sent twice."""

import re

from playwright.sync_api import expect

from tests.browser.visitor import (
    NO_CONNECTION,
    Visitor,
    ask,
    expect_settled,
    last_question,
    last_reply,
)
from tests.databases import rows
from tests.latch import Latch
from tests.openai_script import Answer, CallTool
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

COUNT = "SELECT count(*) FROM chat_message WHERE role = 'user' AND text = %s"


def test_message_written_offline_is_sent_when_the_network_is_back(
    expert_site: ChatServer, visitor: Visitor
) -> None:
    visitor.expected = NO_CONNECTION
    page = visitor.visit(expert_site.url)
    visitor.context.set_offline(True)
    expect(page.get_by_text("现在没有网络。")).to_be_visible()

    ask(page, "孩子只吃白米饭怎么办？")

    expect(page.locator(".question").get_by_text("连上网络后会自动发送")).to_be_visible()
    visitor.context.set_offline(False)
    expect(last_reply(page)).to_contain_text("一次只加一种新食物")
    expect(page.get_by_text("现在没有网络。")).to_be_hidden()
    expect(page.locator(".question")).to_have_count(1)


def test_unsent_message_can_be_taken_back(expert_site: ChatServer, visitor: Visitor) -> None:
    visitor.expected = NO_CONNECTION
    page = visitor.visit(expert_site.url)
    visitor.context.set_offline(True)
    expect(page.get_by_text("现在没有网络。")).to_be_visible()
    ask(page, "算了")

    page.get_by_role("button", name="不发了").click()

    expect(page.locator(".question")).to_have_count(0)


def test_message_written_while_the_server_is_away_is_sent_once(
    mortal_site: ChatServer, mortal_database: str, visitor: Visitor
) -> None:
    visitor.expected = NO_CONNECTION
    page = visitor.visit(mortal_site.url)
    mortal_site.kill()
    expect(page.get_by_text("正在重新连接")).to_be_visible()
    ask(page, "谢谢您")

    mortal_site.restart()

    expect_settled(page)
    expect(last_question(page)).to_have_text("谢谢您")
    expect(page.get_by_text("正在重新连接")).to_be_hidden()
    assert rows(mortal_database, COUNT, "谢谢您") == [(1,)]


def test_reply_cut_off_by_a_dying_server_is_written_anew(
    mortal_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    visitor.expected = NO_CONNECTION
    page = visitor.visit(mortal_site.url)
    question = "自闭症孩子自伤怎么办？"
    held = Answer("这一半会丢。", pieces=6, gate=Latch(), gate_after=4)
    scripted_server.script(CallTool(question), held)
    ask(page, question)
    expect(last_reply(page).locator(".tail")).to_have_text("这一半会")

    mortal_site.kill()
    scripted_server.script(CallTool(question), Answer("这次**写完**了。"))
    mortal_site.restart()

    expect_settled(page)
    expect(last_reply(page).locator(".blocks")).to_have_text("这次写完了。")
    expect(page.locator(".question")).to_have_count(1)


def test_server_that_restarts_is_no_news(mortal_site: ChatServer, visitor: Visitor) -> None:
    visitor.expected = NO_CONNECTION
    page = visitor.visit(mortal_site.url)
    ask(page, "你好")
    expect_settled(page)

    mortal_site.restart()
    ask(page, "孩子只吃白米饭怎么办？")

    expect(page.locator(".reply")).to_have_count(2)
    expect_settled(page)
    expect(page).to_have_url(re.compile("/c/"))
