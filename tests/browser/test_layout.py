"""How it looks and feels: small phones, thumbs, eyes, screen readers."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visitor import Visitor, ask, expect_settled, last_reply
from tests.browser.wire import Turn, Wire
from tests.serving import ChatServer

SIZES = [(320, 560), (360, 740), (1280, 800)]
LONG_WORD = "https://example.org/" + "very-long-" * 12
TOO_SMALL = """() => [...document.querySelectorAll("a[href], button, summary, textarea")]
    .filter(one => one.checkVisibility() && !one.matches(".skip, .blocks a"))
    .map(one => [one.getBoundingClientRect(), one.outerHTML])
    .filter(([box]) => box.height < 43.9 || box.width < 43.9)
    .map(([box, html]) => `${box.width} x ${box.height}: ${html}`)"""
TOO_FAINT = """() => {
    const channels = color => color.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b]
        .map(c => c / 255)
        .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
    const ground = one => {
        for (; one; one = one.parentElement) {
            const [r, g, b, a = 1] = channels(getComputedStyle(one).backgroundColor);
            if (a === 1) return [r, g, b];
        }
        return channels(getComputedStyle(document.documentElement).backgroundColor);
    };
    const contrast = one => {
        const [a, b] = [light(channels(getComputedStyle(one).color)), light(ground(one))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    };
    return [...document.querySelectorAll("body *")]
        .filter(one => one.checkVisibility() && [...one.childNodes].some(
            node => node.nodeType === Node.TEXT_NODE && node.data.trim()))
        .filter(one => contrast(one) < 4.5)
        .map(one => `${contrast(one).toFixed(2)}: ${one.outerHTML}`);
}"""


def width_beyond(page: Page) -> int:
    """How far the page can be scrolled sideways."""
    beyond: int = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return beyond


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_nothing_is_wider_than_the_screen(
    expert_site: ChatServer, visitor: Visitor, size: tuple[int, int]
) -> None:
    page = visitor.visit(expert_site.url)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    assert width_beyond(page) == 0
    expect(page.locator("#question")).to_be_in_viewport(ratio=1)

    for question in ("自闭症孩子自伤怎么办？", LONG_WORD, "孩子上学"):
        ask(page, question)
        expect_settled(page)

    assert width_beyond(page) == 0
    expect(page.locator("#question")).to_be_in_viewport(ratio=1)
    assert page.screenshot()


def test_whatever_can_be_tapped_fits_a_thumb(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)
    assert page.evaluate(TOO_SMALL) == []

    ask(page, "自闭症孩子自伤怎么办？")
    expect_settled(page)
    page.get_by_role("button", name="我的对话").click()
    expect(page.locator(".conversation-title")).to_be_visible()

    assert page.evaluate(TOO_SMALL) == []


@pytest.fixture(params=["light", "dark"])
def tinted(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    with Visitor(chromium, locale="zh-CN", color_scheme=request.param).watched() as someone:
        yield someone


def test_text_stands_out_from_its_ground(expert_site: ChatServer, tinted: Visitor) -> None:
    page = tinted.visit(expert_site.url)
    assert page.evaluate(TOO_FAINT) == []

    for question in ("自闭症孩子怎么上幼儿园？", "孩子上学"):
        ask(page, question)
        expect_settled(page)
    page.get_by_role("button", name="我的对话").click()
    expect(page.locator(".conversation-title")).to_be_visible()

    assert page.evaluate(TOO_FAINT) == []


def test_what_goes_wrong_is_readable_and_fits_a_thumb(
    expert_site: ChatServer, tinted: Visitor
) -> None:
    page = tinted.context.new_page()
    wire = Wire(page)
    wire.refuses = 4012
    page.goto(expert_site.url)
    ask(page, "你好")
    expect(page.locator(".now")).to_be_visible()
    assert page.evaluate(TOO_FAINT) + page.evaluate(TOO_SMALL) == []
    assert width_beyond(page) == 0

    wire.refuses = 4501

    expect(page.locator(".reload")).to_be_visible()
    assert page.evaluate(TOO_FAINT) + page.evaluate(TOO_SMALL) == []


def test_screen_reader_hears_finished_blocks_only(
    expert_site: ChatServer, visitor: Visitor
) -> None:
    page = visitor.context.new_page()
    wire = Wire(page)
    turn = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send))
    page.goto(expert_site.url)
    ask(page, "你好")
    expect(last_reply(page)).to_be_visible()

    wire.send(turn.event("1-1", kind="searching", question="你好"))
    expect(page.locator("#announcer")).to_contain_text("正在查找专家怎么说…")
    wire.send(turn.text("第一段。\n\n第二", "1-2"))
    wire.send(turn.event("1-3", kind="block", start=0, end=6, html="<p>第一段。</p>"))

    expect(page.locator("#announcer")).to_contain_text("第一段。")
    expect(page.locator("#announcer")).not_to_contain_text("第二")
    expect(page.locator("#transcript")).to_have_attribute("aria-live", "off")


def test_page_follows_the_end_until_the_reader_goes_up(
    expert_site: ChatServer, visitor: Visitor
) -> None:
    page = visitor.context.new_page()
    wire = Wire(page)
    turn = Turn()
    wire.answers["send"] = lambda wire, send: wire.send(turn.accepted(send))
    page.goto(expert_site.url)
    ask(page, "你好")
    expect(last_reply(page)).to_be_visible()

    for n in range(1, 31):
        wire.send(turn.text(f"第{n}行\n", f"1-{n}"))
        expect(last_reply(page).locator(".tail")).to_contain_text(f"第{n}行")
    page.mouse.wheel(0, -400)
    expect(page.get_by_role("button", name="回到最新")).to_be_visible()
    there = page.evaluate("() => scrollY")
    wire.send(turn.text("最后一行", "1-31"))

    expect(last_reply(page).locator(".tail")).to_contain_text("最后一行")
    assert page.evaluate("() => scrollY") == there
    expect(page.locator("#to-end [data-end=news]")).to_be_visible()
    page.locator("#to-end").click()
    expect(page.locator("#to-end")).to_be_hidden()


def test_answer_that_comes_at_once_is_read_from_its_beginning(
    expert_site: ChatServer, visitor: Visitor
) -> None:
    page = visitor.visit(expert_site.url)
    page.set_viewport_size({"width": 360, "height": 480})

    ask(page, "自闭症孩子自伤怎么办？")
    expect_settled(page)

    expect(page.locator(".question")).to_be_in_viewport(ratio=1)


def test_page_can_be_used_by_keyboard(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.visit(expert_site.url)

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到输入框")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("你好")
    page.keyboard.press("Enter")

    expect(last_reply(page)).to_be_visible()
