"""T-40 and T-41: every way in, and every place where what came in is shown again."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.payloads import (
    LINE,
    PAYLOADS,
    TEXT,
    expect_harmless,
    expect_plain_transcript,
)
from tests.browser.visitor import Visitor, ask, expect_settled, last_reply
from tests.databases import database_url, new_database, rows
from tests.openai_script import Answer, CallTool
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer, manage

PASSWORD = "a-long-password-for-tests"
HOSTILE_NAME = "<img src=x onerror=window.hacked=1>"
FEEDBACK = """([message, comment]) => new Promise((resolve, reject) => {
    const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws/chat/");
    const id = "0191e7a0-0000-7000-8000-000000000001";
    socket.onmessage = ({ data }) => {
        const frame = JSON.parse(data);
        if (frame.type === "welcome") socket.send(JSON.stringify(
            { type: "feedback", id, message, value: "down", reason: "other", comment }));
        if (frame.type === "done") resolve();
        if (frame.type === "error") reject(new Error(frame.code));
    };
})"""
CALL = """async ([method, path, body]) => {
    const token = /csrftoken=([^;]+)/.exec(document.cookie)[1];
    const answer = await fetch(path, { method, body: JSON.stringify(body),
        headers: { "Content-Type": "application/json", "X-CSRFToken": token } });
    return answer.json();
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A conversation in which everything that can be written was written by an attacker."""

    site: ChatServer
    database: str
    context: BrowserContext
    conversation: str
    shared: str


@pytest.fixture(scope="module")
def hostile_site(
    answers: str, scripted_server: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ChatServer, str]]:
    """A curator was an attacker, too."""
    file = tmp_path_factory.mktemp("hostile") / "hostile.jsonl"
    file.write_text("\n".join(map(json.dumps, map(hostile_answer, range(len(PAYLOADS))))))
    with new_database(answers) as name:
        settings = {
            "DATABASE_URL": database_url(name),
            "OPENAI_BASE_URL": scripted_server.base_url,
            "CHAT_MODEL": HOSTILE_NAME,
        }
        site = ChatServer(settings=settings)
        assert site.manage("ingest", str(file), "--publish", "--quiet").returncode == 0
        variables = {**site.environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
        account = ["--username", "alice", "--email", "a@example.org"]
        made = manage("createsuperuser", "--noinput", *account, environment=variables)
        assert made.returncode == 0, made.stderr
        with site:
            yield site, name


def hostile_answer(number: int) -> dict[str, object]:
    payload = PAYLOADS[number].replace("\n", " ").replace("\t", " ")
    return {
        "id": f"hostile-{number}",
        "questions": [f"{payload} 怎么处理第{number}种脚本？"],
        "answer": TEXT,
        "locale": "zh-hans",
        "expert": payload[:100],
        "role": payload[:100],
        "tags": [payload[:40]],
    }


@pytest.fixture(scope="module")
def story(
    chromium: Browser, hostile_site: tuple[ChatServer, str], scripted_server: OpenAIServer
) -> Iterator[Story]:
    site, database = hostile_site
    with Visitor(chromium, locale="zh-CN").watched() as attacker:
        page = attacker.visit(site.url)
        ask(page, TEXT)
        expect_settled(page)
        scripted_server.script(CallTool("怎么处理第3种脚本？"), Answer(TEXT, pieces=60))
        ask(page, f"{PAYLOADS[3]} 怎么处理第3种脚本？")
        expect_settled(page)
        conversation = page.url.rsplit("/", 1)[1]
        ((reply,),) = rows(
            database,
            "SELECT id FROM chat_message WHERE role = 'assistant' ORDER BY created_at DESC LIMIT 1",
        )
        page.evaluate(FEEDBACK, [str(reply), TEXT[:900]])
        title = {"title": LINE[:100]}
        page.evaluate(CALL, ["PATCH", f"/api/conversations/{conversation}", title])
        shared = page.evaluate(CALL, ["POST", f"/api/conversations/{conversation}/share", {}])
        yield Story(
            site=site,
            database=database,
            context=attacker.context,
            conversation=conversation,
            shared=shared["url"],
        )


# --- What visitors see


def test_everything_was_stored_as_it_was_written(story: Story) -> None:
    ((text,),) = rows(
        story.database,
        "SELECT text FROM chat_message WHERE role = 'user' ORDER BY created_at LIMIT 1",
    )

    assert text == TEXT


def test_conversation_shows_words(story: Story) -> None:
    page = story.context.new_page()

    page.goto(f"{story.site.url}/c/{story.conversation}")

    expect(last_reply(page)).to_contain_text("window.hacked=1")
    for summary in page.locator(".source summary").all():
        summary.click()
    expect_harmless(page)
    expect_plain_transcript(page)


def test_list_shows_words(story: Story) -> None:
    page = story.context.new_page()
    page.goto(f"{story.site.url}/c/{story.conversation}")

    page.locator("#menu-button").click()

    expect(page.locator(".conversation-title").first).to_contain_text("<script>")
    expect_harmless(page)


@pytest.mark.parametrize("number", range(0, len(PAYLOADS), 3))
def test_answer_of_a_hostile_curator_shows_words(
    expert_only: ChatServer, visitor: Visitor, number: int
) -> None:
    page = visitor.visit(expert_only.url)

    ask(page, str(hostile_answer(number)["questions"][0]))  # type: ignore[index]

    expect_settled(page)
    expect_harmless(page)
    expect_plain_transcript(page)


@pytest.fixture(scope="module")
def expert_only(hostile_site: tuple[ChatServer, str]) -> Iterator[ChatServer]:
    """The same base without a model: it quotes what the curator wrote."""
    with ChatServer(settings={"DATABASE_URL": database_url(hostile_site[1])}) as server:
        yield server


def test_shared_copy_shows_words(story: Story, english_visitor: Visitor) -> None:
    page = english_visitor.context.new_page()

    page.goto(story.shared)

    expect(page.locator("h1")).to_contain_text("<script>")
    expect_harmless(page)


def test_printed_conversation_shows_words(story: Story) -> None:
    page = story.context.new_page()

    page.goto(f"{story.site.url}/c/{story.conversation}/print")

    expect(page.locator("body")).to_contain_text("window.hacked=1")
    expect_harmless(page)


@pytest.mark.parametrize("form", ["md", "json"])
def test_export_is_a_file_and_no_page(story: Story, form: str) -> None:
    path = f"{story.site.url}/api/conversations/{story.conversation}/export?format={form}"

    answer = story.context.request.get(path)

    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"].split(";")[0] in {"text/markdown", "application/json"}
    assert "\n" not in answer.headers["content-disposition"]


def test_nobody_gets_a_name_that_is_markup(hostile_site: tuple[ChatServer, str]) -> None:
    """Names of accounts that came into the table some other way are shown as words, below."""
    variables = {**hostile_site[0].environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    account = ["--username", HOSTILE_NAME, "--email", "b@example.org"]

    made = manage("createsuperuser", "--noinput", *account, environment=variables)

    assert made.returncode != 0


# --- What experts see


@pytest.fixture
def admin(story: Story, english_visitor: Visitor) -> Page:
    page = english_visitor.context.new_page()
    page.goto(f"{story.site.url}/admin/login/?next=/admin/")
    page.locator("#id_username").fill("alice")
    page.locator("#id_password").fill(PASSWORD)
    page.locator("[type=submit]").click()
    page.wait_for_url(f"{story.site.url}/admin/")
    return page


LISTS = [
    "chat/conversation/",
    "chat/message/",
    "chat/turn/",
    "chat/feedback/",
    "knowledge/answer/",
    "auth/user/",
]


@pytest.mark.parametrize("path", LISTS)
def test_list_and_detail_of_the_admin_show_words(story: Story, admin: Page, path: str) -> None:
    admin.goto(f"{story.site.url}/admin/{path}")
    expect_harmless(admin)

    admin.locator("#result_list tbody th a").first.click()

    expect(admin.locator("#content h1, #content h2").first).to_be_visible()
    expect_harmless(admin)


@pytest.mark.parametrize("path", ["chat/conversation/", "knowledge/answer/"])
def test_filters_of_the_admin_show_words(
    story: Story, admin: Page, english_visitor: Visitor, path: str
) -> None:
    english_visitor.expected = re.compile("status of 4")
    for name in ("q", "status__exact", "locale__exact", "o", "p"):
        for payload in (PAYLOADS[0], PAYLOADS[1], PAYLOADS[22]):
            query = urlencode({name: payload})

            admin.goto(f"{story.site.url}/admin/{path}?{query}")

            expect_harmless(admin)


def test_import_shows_words(story: Story, admin: Page, tmp_path: Path) -> None:
    file = tmp_path / f"{HOSTILE_NAME.replace('/', '')}.jsonl"
    bad = {"id": TEXT[:100], "questions": [TEXT[:200]], "answer": "", "locale": LINE[:30]}
    lines = [*map(hostile_answer, range(3)), bad, {LINE[:80]: 1}]
    file.write_text("\n".join(map(json.dumps, lines)) + "\n<script>\n")
    admin.goto(f"{story.site.url}/admin/knowledge/answer/import/")
    admin.locator("input[type=file]").set_input_files(file)

    admin.locator("#content [type=submit]").first.click()

    expect(admin.locator("#content")).to_contain_text("<script>")
    expect_harmless(admin)


def test_account_with_a_hostile_name_shows_words(story: Story, english_visitor: Visitor) -> None:
    """As a program beside Django could have made it."""
    rows_changed(story.database, HOSTILE_NAME)
    page = english_visitor.context.new_page()
    page.goto(f"{story.site.url}/admin/login/?next=/")
    page.locator("#id_username").fill(HOSTILE_NAME)
    page.locator("#id_password").fill(PASSWORD)

    page.locator("[type=submit]").click()

    page.wait_for_url(f"{story.site.url}/")
    expect_harmless(page)
    page.goto(f"{story.site.url}/admin/")
    expect_harmless(page)


def rows_changed(database: str, name: str) -> None:
    """A second superuser of that name, with alice's password."""
    rows(
        database,
        "INSERT INTO auth_user (username, password, is_active, is_staff, is_superuser,"
        " first_name, last_name, email, date_joined)"
        " SELECT %s, password, true, true, true, '', '', '', now() FROM auth_user"
        " WHERE username = 'alice' RETURNING id",
        name,
    )


# --- Where links lead


def test_links_of_replies_tell_nothing_of_where_they_were(story: Story) -> None:
    page = story.context.new_page()
    page.goto(f"{story.site.url}/c/{story.conversation}")
    expect(last_reply(page)).to_contain_text("window.hacked=1")

    links = page.locator("#transcript a[href]").evaluate_all(
        "links => links.map(link => [link.protocol, link.rel, link.target])"
    )

    assert links
    for protocol, rel, target in links:
        assert protocol in {"http:", "https:"}
        assert {"noopener", "noreferrer", "nofollow"} <= set(rel.split()), links
        assert target == "_blank"
