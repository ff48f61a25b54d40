"""“Try it”: a whole turn with unsaved texts, over a real server with a scripted model behind it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from functools import cache
from html import unescape
from uuid import uuid4

import httpx2
import pytest

from chat.turn.prompt import CHINESE
from tests.chat_client import NO_TLS
from tests.conftest import Model, quiet
from tests.databases import database_url, rows
from tests.openai_script import Answer, CallTool, Stall, Status
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer, manage

PASSWORD = "a-long-password-for-tests"
EDIT = "/admin/chat/promptversion/edit/zh-hans/"
TRY = f"{EDIT}try/"
HEAD_BANGING = "孩子总是撞头怎么办？"
SOON_SECONDS = 10


class Expert:
    """Somebody signed in to the admin of a server."""

    def __init__(self, server: ChatServer, http: httpx2.AsyncClient) -> None:
        self._server = server
        self._http = http

    async def sign_in(self) -> None:
        await self._http.get("/admin/login/")
        fields = {"username": account_on(self._server), "password": PASSWORD}
        await self._post("/admin/login/?next=/admin/", **fields)

    async def try_texts(self, question: str, **changed: str) -> str:
        """The page after “Try it”, as a person reads it."""
        return unescape(await self.page_of(question, **changed))

    async def page_of(self, question: str, **changed: str) -> str:
        if question:
            self._server.private.add(question)
        values = asdict(CHINESE)
        seen = values.pop("version")
        fields = {**values, "seen": seen, "note": "", "question": question, **changed}
        response = await self._post(TRY, **fields)
        assert response.status_code == 200
        return response.text

    async def _post(self, path: str, **fields: str) -> httpx2.Response:
        token = self._http.cookies["csrftoken"]
        return await self._http.post(path, data={**fields, "csrfmiddlewaretoken": token})


@cache
def account_on(server: ChatServer) -> str:
    """The name of one made for these tests."""
    name = f"expert-{uuid4().hex[:8]}"
    account = ["--username", name, "--email", "expert@example.org"]
    variables = {**server.environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    made = manage("createsuperuser", "--noinput", *account, environment=variables)
    assert made.returncode == 0, made.stderr
    return name


async def expert_of(server: ChatServer) -> AsyncIterator[Expert]:
    async with httpx2.AsyncClient(base_url=server.url, timeout=30, verify=NO_TLS) as http:
        expert = Expert(server, http)
        await expert.sign_in()
        yield expert


@pytest.fixture
async def expert(model_server: ChatServer) -> AsyncIterator[Expert]:
    async for each in expert_of(model_server):
        yield each


async def test_unsaved_texts_are_what_the_model_is_told(expert: Expert, model: Model) -> None:
    model.script(CallTool(HEAD_BANGING), Answer("先**抱住**他。"))

    page = await expert.try_texts(
        HEAD_BANGING, system="先用 {tool} 查找。", tool_name="find_it", tool_description="只管查。"
    )

    told = model.requests[0].body
    assert told["messages"][0]["content"] == "先用 find_it 查找。"
    assert told["tools"][0]["function"]["name"] == "find_it"
    assert "<strong>抱住</strong>" in page
    assert "先用 {tool} 查找。" in page


async def test_result_tells_what_was_searched_used_and_spent(expert: Expert, model: Model) -> None:
    model.script(CallTool(HEAD_BANGING), Answer("先抱住他。"))

    page = await expert.try_texts(HEAD_BANGING)

    assert "The reply rests on the experts' answers below." in page
    assert page.count(HEAD_BANGING) >= 3  # in the form, searched for, and as a source
    assert "24 in, 12 out" in page
    assert "gpt-4o-mini" in page


async def test_nothing_is_stored(expert: Expert, model: Model, model_database: str) -> None:
    def stored() -> list[tuple[int, ...]]:
        tables = ("chat_message", "chat_turn", "chat_conversation", "chat_promptversion")
        return [rows(model_database, f"SELECT count(*) FROM {table}")[0] for table in tables]  # noqa: S608

    before = stored()
    model.script(Answer("你好。"))

    await expert.try_texts("谁在那里？", greeting="改过的问候。")

    assert stored() == before


async def test_trials_share_the_servers_own_client(expert: Expert, model: Model) -> None:
    """They run on its event loop, where the connections of the model's client live."""
    model.script(Answer("一。"), Answer("二。"))

    await expert.try_texts("第一个问题是什么？")
    await expert.try_texts("第二个问题是什么？")

    assert len({request.connection for request in model.requests}) == 1


async def test_failure_of_the_provider_is_told_in_words(expert: Expert, model: Model) -> None:
    model.script(*[Status(401)] * 4)

    page = await expert.try_texts(HEAD_BANGING)

    assert "The language model refuses, or reports a fault of its own." in page
    assert "先保证安全" in page  # the experts are quoted, as visitors would see it
    assert "401" not in page


async def test_markup_in_the_reply_stays_text(expert: Expert, model: Model) -> None:
    model.script(Answer("<img src=x onerror=alert(1)> [x](javascript:alert(1))"))

    page = await expert.page_of("会怎么样呢？")

    assert "&lt;img src=x" in page
    assert "<img src=x" not in page
    assert 'href="javascript' not in page


async def test_expert_who_leaves_lets_the_provider_go(expert: Expert, model: Model) -> None:
    model.script(Stall(after_pieces=2))
    leaving = asyncio.create_task(expert.try_texts("要等多久呢？"))
    request = await model.request(1)

    leaving.cancel()

    async with asyncio.timeout(SOON_SECONDS):
        await request.disconnected.wait()


@pytest.mark.parametrize(
    ("question", "changed", "sentence"),
    [
        ("", {}, "Write a question to try the texts on."),
        (HEAD_BANGING, {"greeting": ""}, "This field is required."),
    ],
)
async def test_form_that_cannot_be_tried_says_why(
    expert: Expert, model: Model, question: str, changed: dict[str, str], sentence: str
) -> None:
    page = await expert.try_texts(question, **changed)

    assert sentence in page
    assert model.requests == []


async def test_question_in_another_language_is_pointed_out(expert: Expert, model: Model) -> None:
    model.script(Answer("Hello."))

    page = await expert.try_texts("Who is there, please?")

    assert "given the texts of another language: English." in page


async def test_without_a_model_the_experts_reply_is_shown(expert_server: ChatServer) -> None:
    async for expert in expert_of(expert_server):
        page = await expert.try_texts(HEAD_BANGING, quoted="专家这样说「{title}」：")

        assert "No language model is set up." in page
        assert f"专家这样说「{HEAD_BANGING}」：" in page
        assert "先保证安全" in page


@pytest.fixture(scope="module")
def hasty_server(model_database: str, scripted_server: OpenAIServer) -> Iterator[ChatServer]:
    settings = {
        "DATABASE_URL": database_url(model_database),
        "OPENAI_BASE_URL": scripted_server.base_url,
        "TRIAL_SECONDS": "1",
        "TURN_LEASE_SECONDS": "300",
        "CHAT_PRICES": "gpt-4o-mini=1000/1000",
        "CHAT_CURRENCY": "CNY",
    }
    with quiet(ChatServer(settings=settings)) as server:
        yield server


async def test_trial_that_takes_too_long_is_ended(hasty_server: ChatServer, model: Model) -> None:
    async for expert in expert_of(hasty_server):
        model.script(Stall(after_pieces=2))

        page = await expert.try_texts("要等多久呢？")

        assert "The trial was ended because it took too long." in page
        async with asyncio.timeout(SOON_SECONDS):
            await (await model.request(1)).disconnected.wait()


async def test_price_is_shown_with_its_currency(hasty_server: ChatServer, model: Model) -> None:
    async for expert in expert_of(hasty_server):
        model.script(Answer("你好。", usage=(11, 7)))

        assert "0.018 CNY" in await expert.try_texts("要花多少钱呢？")
