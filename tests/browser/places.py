"""Every page a visitor can see and every state worth looking at, for tests that look at all."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.browser.visitor import ask, expect_settled, last_reply

Opening = Callable[[Page, str], None]
SHARE = """async path => {
    const token = /csrftoken=([^;]+)/.exec(document.cookie)[1];
    const answer = await fetch(path, { method: "POST", headers: { "X-CSRFToken": token } });
    return (await answer.json()).url;
}"""
QUESTION = {"zh": "自闭症孩子自伤怎么办？", "en": "How do I handle my child's meltdowns?"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`open` takes a fresh page there, on the site whose address it is given."""

    name: str
    open: Opening
    complains_of: re.Pattern[str] | None = None
    """What the browser's console says there by design."""


def language_of(page: Page) -> str:
    return str(page.evaluate("() => navigator.language"))[:2]


def start(page: Page, site: str) -> None:
    page.goto(site)
    expect(page.locator("[data-mode]:not([hidden])")).to_be_visible()


def address(path: str) -> Opening:
    def opening(page: Page, site: str) -> None:
        page.goto(site + path)
        expect(page.locator("h1").first).to_be_visible()

    return opening


def conversation(page: Page, site: str) -> None:
    start(page, site)
    ask(page, QUESTION[language_of(page)])
    expect_settled(page)
    expect(last_reply(page).locator(".source")).to_be_visible()


def several(page: Page, site: str) -> None:
    """A reply that asks back."""
    start(page, site)
    ask(page, "孩子上学")
    expect_settled(page)
    expect(last_reply(page).locator(".suggestion").first).to_be_visible()


def menu(page: Page, site: str) -> None:
    conversation(page, site)
    if not page.locator(".conversation-title").first.is_visible():
        page.locator("#menu-button").click()
    expect(page.locator(".conversation-title").first).to_be_visible()


def dialog(name: str) -> Opening:
    def opening(page: Page, site: str) -> None:
        start(page, site)
        opener = page.locator(f"[data-dialog={name}]").locator("visible=true")
        if opener.count() == 0:
            page.locator("#menu-button").click()
        opener.first.click()
        expect(page.locator(f"dialog#{name}")).to_be_visible()

    return opening


def missing_conversation(page: Page, site: str) -> None:
    page.goto(f"{site}/c/00000000-0000-7000-8000-000000000000")
    expect(page.locator("[data-state=missing]").first).to_be_visible()


def printed(page: Page, site: str) -> None:
    conversation(page, site)
    page.goto(f"{page.url}/print")
    expect(page.locator("h1").first).to_be_visible()


def shared(page: Page, site: str) -> None:
    conversation(page, site)
    path = f"/api/conversations/{page.url.rsplit('/', 1)[1]}/share"
    page.goto(page.evaluate(SHARE, path))
    expect(page.locator("h1").first).to_be_visible()


def actions(page: Page, site: str) -> None:
    menu(page, site)
    page.locator(".more").first.click()
    expect(page.locator("dialog#actions")).to_be_visible()


def share_dialog(page: Page, site: str) -> None:
    actions(page, site)
    page.locator("[data-act=share]").click()
    expect(page.locator("dialog#share")).to_be_visible()


def member(path: str) -> Opening:
    """Of somebody who has just signed up."""

    def opening(page: Page, site: str) -> None:
        conversation(page, site)
        page.goto(f"{site}/accounts/sign-up")
        page.locator("[name=username]").fill(f"parent-{uuid.uuid4().hex[:12]}")
        for field in ("password1", "password2"):
            page.locator(f"[name={field}]").fill("correct horse battery staple")
        with page.expect_navigation():
            page.locator("main form [type=submit], form [type=submit].chosen").first.click()
        address(path)(page, site)

    return opening


def refused_sign_in(page: Page, site: str) -> None:
    page.goto(f"{site}/accounts/sign-in")
    page.locator("[name=username]").fill("nobody")
    page.locator("[name=password]").fill("not the password")
    with page.expect_navigation():
        page.locator("form [type=submit].chosen").first.click()


PLACES = [
    Place(name="start", open=start),
    Place(name="conversation", open=conversation),
    Place(name="several answers", open=several),
    Place(name="menu", open=menu),
    Place(name="crisis", open=dialog("crisis")),
    Place(name="privacy", open=dialog("privacy")),
    Place(name="settings", open=dialog("settings")),
    Place(name="missing conversation", open=missing_conversation),
    Place(name="offline", open=address("/offline")),
    Place(name="leaving", open=address("/leave?to=https%3A%2F%2Fwww.nice.org.uk%2Fa")),
    Place(name="actions", open=actions),
    Place(name="share", open=share_dialog),
    Place(name="printed", open=printed),
    Place(name="shared", open=shared),
    Place(name="sign in", open=address("/accounts/sign-in")),
    Place(name="sign in refused", open=refused_sign_in),
    Place(name="sign up", open=address("/accounts/sign-up")),
    Place(name="account", open=member("/accounts/")),
    Place(name="password", open=member("/accounts/password")),
    Place(name="delete account", open=member("/accounts/delete")),
    Place(name="claim", open=member("/accounts/claim")),
    Place(name="widget", open=lambda page, site: start(page, f"{site}/widget")),
    Place(name="not found", open=address("/nowhere"), complains_of=re.compile("status of 404")),
]
