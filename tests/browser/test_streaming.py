"""A reply while it is written: in pieces, stopped, resumed, followed by a second page."""

from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor, ask, expect_settled, last_reply
from tests.latch import Latch
from tests.openai_script import Answer, CallTool, Drop, Status
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

QUESTION = "自闭症孩子自伤怎么办？"
PARAGRAPHS = ("先让他**安全**下来。", "再想想他要什么。", "最后教他说出来。")
REPLY = "\n\n".join(PARAGRAPHS)
SHOWN = "先让他安全下来。 再想想他要什么。 最后教他说出来。"


def begin(page: Page, server: OpenAIServer) -> Latch:
    """Ask, and hold the reply in its third paragraph until the latch is opened."""
    gate = Latch()
    begun = REPLY.index("说出来")
    held = Answer(REPLY, pieces=len(REPLY), gate=gate, gate_after=begun)
    server.script(CallTool(QUESTION), held)
    ask(page, QUESTION)
    expect_held(page)
    return gate


def expect_held(page: Page) -> None:
    """What stands there until the latch is opened: a finished block, and plain text."""
    expect(last_reply(page).locator(".blocks strong")).to_have_text("安全")
    expect(last_reply(page).locator(".tail")).to_contain_text("最后教")


def test_finished_block_is_html_and_the_rest_plain(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    page = visitor.visit(model_site.url)

    gate = begin(page, scripted_server)

    expect(last_reply(page)).to_have_attribute("aria-busy", "true")
    gate.open()
    expect_settled(page)
    expect(last_reply(page).locator(".blocks")).to_have_text(SHOWN)
    expect(last_reply(page).locator(".tail")).to_be_empty()


def test_reply_of_a_model_shows_the_experts_words_beside_it(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    page = visitor.visit(model_site.url)

    begin(page, scripted_server).open()

    card = last_reply(page).locator(".source")
    expect(card.get_by_text("依据这位专家的回答")).to_be_visible()
    card.get_by_text("看专家原话").click()
    expect(card.locator(".source-text")).to_contain_text("用靠垫隔开，挡住受力处。")


def test_stop_stops_and_again_begins_again(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    page = visitor.visit(model_site.url)
    gate = begin(page, scripted_server)

    page.get_by_role("button", name="停止").click()

    expect(last_reply(page).get_by_text("已停止。")).to_be_visible()
    expect(last_reply(page).locator(".blocks")).to_contain_text("最后教")
    expect(page.get_by_role("button", name="停止")).to_be_hidden()
    gate.open()
    scripted_server.script(CallTool(QUESTION), Answer("这次写完了。"))
    page.get_by_role("button", name="再试一次").click()
    expect(last_reply(page).locator(".blocks")).to_have_text("这次写完了。")
    expect(page.locator(".question")).to_have_count(1)
    expect(page.locator(".reply")).to_have_count(1)


def test_reload_in_the_middle_resumes(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    page = visitor.visit(model_site.url)
    gate = begin(page, scripted_server)

    page.reload()

    expect_held(page)
    gate.open()
    expect_settled(page)
    expect(last_reply(page).locator(".blocks")).to_have_text(SHOWN)


def test_second_page_follows(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    page = visitor.visit(model_site.url)
    gate = begin(page, scripted_server)

    second = visitor.visit(page.url)

    expect_held(second)
    gate.open()
    for each in (page, second):
        expect_settled(each)
        expect(last_reply(each).locator(".blocks")).to_have_text(SHOWN)


def test_open_page_hears_of_what_another_one_asks(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    page = visitor.visit(model_site.url)
    begin(page, scripted_server).open()
    expect_settled(page)
    second = visitor.visit(page.url)
    expect(second.locator(".question")).to_have_count(1)

    gate = begin(second, scripted_server)

    expect(page.locator(".question")).to_have_count(2)
    expect_held(page)
    gate.open()
    expect_settled(page)


def test_message_written_meanwhile_waits_for_the_end(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    page = visitor.visit(model_site.url)
    gate = begin(page, scripted_server)

    ask(page, "谢谢")

    waiting = page.locator(".question").last.get_by_text("这条回复写完后会自动发送")
    expect(waiting).to_be_visible()
    gate.open()
    expect(page.locator(".reply")).to_have_count(2)
    expect(waiting).to_be_hidden()


def test_provider_that_fails_is_said_and_experts_step_in(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    page = visitor.visit(model_site.url)
    scripted_server.script(*[Status(400)] * 3)

    ask(page, QUESTION)

    expect(last_reply(page).locator(".source")).to_be_visible()
    expect(last_reply(page)).to_contain_text("少说话，带他离开太吵的地方。")
    scripted_server.forget_script()


def test_reply_that_breaks_off_can_be_tried_again(
    model_site: ChatServer, visitor: Visitor, scripted_server: OpenAIServer
) -> None:
    page = visitor.visit(model_site.url)
    scripted_server.script(CallTool(QUESTION), *[Drop(after_pieces=30)] * 2)

    ask(page, QUESTION)

    expect(last_reply(page).get_by_text("这条回复没能写完。")).to_be_visible()
    expect(page.get_by_role("button", name="再试一次")).to_be_visible()
