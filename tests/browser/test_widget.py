"""The chat in a frame on another site: in real Chromium, with a real other site."""

import re
from collections.abc import Callable, Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from tests.browser.axe import barriers
from tests.browser.host_site import host_site
from tests.browser.visitor import Visitor
from tests.databases import database_url, new_database, rows
from tests.nginx_server import NginxServer
from tests.serving import ChatServer

QUESTION = "How do I handle my child's meltdowns?"
ANSWER = "A meltdown is not naughtiness"
LISTEN = """() => {
    window.heard = [];
    addEventListener("message", ({ data }) => heard.push(data.type));
}"""
ESCAPE_OF_AN_INPUT_METHOD = """field => field.dispatchEvent(new KeyboardEvent(
    "keydown", { key: "Escape", %s, bubbles: true, cancelable: true }))"""

Allow = Callable[[str], None]


@pytest.fixture(scope="module")
def widget_database(answers: str) -> Iterator[str]:
    with new_database(answers) as name:
        yield name


@pytest.fixture(scope="module")
def widget_site(widget_database: str) -> Iterator[ChatServer]:
    with ChatServer(settings={"DATABASE_URL": database_url(widget_database)}) as server:
        yield server


@pytest.fixture(scope="module")
def allow(widget_database: str) -> Allow:
    """What an admin does for a site."""

    def allow(origin: str) -> None:
        rows(
            widget_database,
            "INSERT INTO chat_widgetorigin (origin, created_at) VALUES (%s, now())"
            " ON CONFLICT (origin) DO UPDATE SET origin = excluded.origin RETURNING id",
            origin,
        )

    return allow


@pytest.fixture
def clinic(widget_site: ChatServer, allow: Allow) -> Iterator[str]:
    """The address of a page with the chat, on a site that was allowed to have it."""
    with host_site(f"{widget_site.url}/widget.js") as port:
        allow(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}/"


def launcher(page: Page) -> Locator:
    return page.locator("expertline-chat").get_by_role("button")


def opened(page: Page) -> FrameLocator:
    """The chat in its frame, when it can be used."""
    launcher(page).click()
    frame = page.frame_locator("expertline-chat iframe")
    expect(frame.locator("[data-mode]:not([hidden])")).to_be_visible()
    return frame


def ask_there(frame: FrameLocator) -> None:
    frame.locator("#question").fill(QUESTION)
    frame.locator("#question").press("Enter")
    expect(frame.locator(".reply").last).to_have_attribute("aria-busy", "false")


# --- In use


def test_visitor_of_another_site_asks_there(clinic: str, english_visitor: Visitor) -> None:
    page = english_visitor.context.new_page()
    page.goto(clinic)
    frame = opened(page)

    ask_there(frame)

    expect(frame.locator(".reply").last).to_contain_text(ANSWER)
    expect(frame.locator(".source").first).to_be_visible()


def test_conversation_is_still_there_on_the_next_page(
    clinic: str, english_visitor: Visitor
) -> None:
    page = english_visitor.context.new_page()
    page.goto(clinic)
    ask_there(opened(page))

    page.reload()

    expect(opened(page).locator(".reply").last).to_contain_text(ANSWER)


def test_nothing_of_the_chat_is_loaded_before_it_is_wanted(
    clinic: str, english_visitor: Visitor, widget_site: ChatServer
) -> None:
    page = english_visitor.context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(clinic, wait_until="networkidle")

    expect(launcher(page)).to_be_visible()
    assert [url for url in asked if widget_site.url in url] == [f"{widget_site.url}/widget.js"]


def test_widget_is_used_by_keyboard(clinic: str, english_visitor: Visitor) -> None:
    page = english_visitor.context.new_page()
    page.goto(clinic)
    button = launcher(page)
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(button).to_be_focused()

    page.keyboard.press("Enter")

    frame = page.frame_locator("expertline-chat iframe")
    expect(frame.locator("#question")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(button).to_be_focused()


def test_escape_closes_what_is_open_in_the_chat_before_the_chat(
    clinic: str, english_visitor: Visitor
) -> None:
    page = english_visitor.context.new_page()
    page.goto(clinic)
    page.evaluate(LISTEN)
    frame = opened(page)
    ask_there(frame)

    frame.locator(".edit").click()
    frame.locator(".editor textarea").press("Escape")
    expect(frame.locator(".editor")).to_have_count(0)
    frame.locator(".down").click()
    frame.locator(".feedback input").first.press("Escape")
    expect(frame.locator(".feedback")).to_have_count(0)
    for sign in ("isComposing: true", "keyCode: 229"):
        frame.locator("#question").evaluate(ESCAPE_OF_AN_INPUT_METHOD % sign)
    expect(launcher(page)).to_have_attribute("aria-expanded", "true")
    frame.locator("#question").press("Escape")

    expect(launcher(page)).to_have_attribute("aria-expanded", "false")
    assert page.evaluate("() => heard").count("expertline:close") == 1


@pytest.mark.parametrize("size", [(320, 560), (360, 740), (1280, 800)], ids=str)
def test_widget_fits_the_screen_and_the_thumb(
    clinic: str, english_visitor: Visitor, size: tuple[int, int]
) -> None:
    page = english_visitor.context.new_page()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(clinic)
    box = launcher(page).bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44

    frame = opened(page)

    expect(frame.locator("#question")).to_be_in_viewport(ratio=1)
    close = frame.get_by_role("button", name="Close the chat")
    expect(close).to_be_in_viewport(ratio=1)
    close.click()
    expect(frame.locator("#question")).to_be_hidden()


def test_widget_has_no_barriers(clinic: str, english_visitor: Visitor) -> None:
    """What is in the frame is looked at elsewhere: axe knocks there, and is not let in."""
    english_visitor.expected = re.compile("postMessage")
    page = english_visitor.context.new_page()
    page.goto(clinic)
    expect(launcher(page)).to_be_visible()
    assert barriers(page) == []

    opened(page)

    assert barriers(page) == []


def test_site_chooses_language_side_and_words(
    widget_site: ChatServer, allow: Allow, english_visitor: Visitor
) -> None:
    attributes = 'data-language="zh" data-position="start" data-label="问专家"'
    with host_site(f"{widget_site.url}/widget.js", attributes=attributes) as port:
        allow(f"http://127.0.0.1:{port}")
        page = english_visitor.context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")

        button = page.locator("expertline-chat").get_by_role("button", name="问专家")
        box = button.bounding_box()
        frame = opened(page)

        assert box is not None
        assert box["x"] < 100
        expect(frame.locator("html")).to_have_attribute("lang", "zh-Hans")


# --- In safety


def test_site_that_was_not_allowed_gets_no_chat(
    widget_site: ChatServer, english_visitor: Visitor
) -> None:
    english_visitor.expected = re.compile("frame-ancestors")
    with host_site(f"{widget_site.url}/widget.js") as port:
        page = english_visitor.context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")

        launcher(page).click()

        frame = page.frame_locator("expertline-chat iframe")
        expect(page.locator("expertline-chat iframe")).to_be_visible()
        page.wait_for_function(
            "() => document.querySelector('expertline-chat')"
            ".shadowRoot.querySelector('iframe').contentDocument === null"
        )
        expect(frame.locator("#question")).to_have_count(0)
    assert english_visitor.complaints


def test_site_has_no_other_page_of_ours_in_a_frame(widget_site: ChatServer, clinic: str) -> None:
    for path in ("/", "/admin/login/", "/offline"):
        answer = httpx2.get(f"{widget_site.url}{path}")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"


def test_strict_site_has_to_allow_script_and_frame_alone(
    widget_site: ChatServer, allow: Allow, english_visitor: Visitor
) -> None:
    """docs/widget.md says so."""
    policy = f"default-src 'none'; script-src {widget_site.url}; frame-src {widget_site.url}"
    types = "require-trusted-types-for 'script'; trusted-types 'none'"
    with host_site(f"{widget_site.url}/widget.js", policy=f"{policy}; {types}") as port:
        allow(f"http://127.0.0.1:{port}")
        english_visitor.expected = re.compile("favicon")
        page = english_visitor.context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")

        ask_there(opened(page))


def test_others_cannot_speak_for_the_frame(clinic: str, english_visitor: Visitor) -> None:
    page = english_visitor.context.new_page()
    page.goto(clinic)
    frame = opened(page)

    page.evaluate("() => window.postMessage({ type: 'expertline:close' }, '*')")
    page.evaluate("() => new Promise(done => setTimeout(done))")

    expect(frame.locator("#question")).to_be_visible()


def test_widget_is_nobody_who_is_signed_in(widget_site: ChatServer) -> None:
    """And its own session is of no use anywhere else."""
    with httpx2.Client(base_url=widget_site.url) as http:
        http.get("/")
        own = http.cookies["sessionid"]

        page = http.get("/widget")

        assert http.cookies["sessionid"] == own
        assert http.cookies["widget"] not in {None, own}
        visitor = re.findall(r'data-visitor="([^"]+)"', page.text)[0]
        assert visitor not in http.get("/").text


def test_cookie_goes_into_frames_of_other_sites_only_by_tls(
    widget_database: str, allow: Allow, chromium: Browser
) -> None:
    """Cookies without Partitioned, or without TLS, do not get there."""
    settings = {"DATABASE_URL": database_url(widget_database), "TRUSTED_PROXIES": "127.0.0.1"}
    server = ChatServer(settings=settings)
    with NginxServer(server.port, tls=True) as nginx:
        origin = nginx.address
        server.settings["ALLOWED_ORIGINS"] = origin
        with server, host_site(f"{origin}/widget.js") as port:
            allow(f"http://localhost:{port}")
            context = chromium.new_context(locale="en-GB", ignore_https_errors=True)
            page = context.new_page()
            page.goto(f"http://localhost:{port}/")
            ask_there(opened(page))

            page.reload()

            expect(opened(page).locator(".reply").last).to_contain_text(ANSWER)
            (cookie,) = [each for each in context.cookies() if each["name"] == "widget"]
            assert (cookie["sameSite"], cookie["secure"]) == ("None", True)
            assert cookie["partitionKey"]
            context.close()
