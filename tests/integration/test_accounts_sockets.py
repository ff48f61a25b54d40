"""What open sockets are told when their visitor signs in, out, or leaves for good."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.chat_client import NO_TLS, ChatClient, Visitor, new_id
from tests.conftest import Model
from tests.databases import rows
from tests.integration.account_pages import PASSWORD
from tests.latch import Latch
from tests.openai_script import Answer
from tests.raw_socket import RawSocket
from tests.serving import ChatServer

SOON_SECONDS = 2.0


class Account:
    """A browser of the visitor's, with which an account is made."""

    def __init__(self, visitor: Visitor) -> None:
        self._server = visitor.server
        self._http = httpx2.AsyncClient(
            verify=NO_TLS,
            base_url=visitor.server.url,
            cookies={"sessionid": visitor.cookie.partition("=")[2]},
        )

    async def submit(self, page: str, **fields: str) -> httpx2.Response:
        await self._http.get("/accounts/sign-in")  # for the token
        form = {**fields, "csrfmiddlewaretoken": self._http.cookies["csrftoken"]}
        headers = {"Origin": self._server.url}
        return await self._http.post(f"/accounts/{page}", data=form, headers=headers)

    async def sign_up(self) -> Visitor:
        name = f"mei-{new_id()}"
        answer = await self.submit("sign-up", username=name, password1=PASSWORD, password2=PASSWORD)
        assert answer.status_code == 302
        return Visitor(server=self._server, cookie=f"sessionid={answer.cookies['sessionid']}")

    async def close(self) -> None:
        await self._http.aclose()


@pytest.fixture
async def account(alice: Visitor) -> AsyncIterator[Account]:
    account = Account(alice)
    yield account
    await account.close()


async def closed_soon(client: ChatClient) -> int | None:
    async with asyncio.timeout(SOON_SECONDS):
        return await client.close_code()


async def until_ended(database: str, message: str) -> str:
    async with asyncio.timeout(10):
        while True:
            ((status,),) = rows(database, "SELECT status FROM chat_message WHERE id = %s", message)
            if status != "running":
                return str(status)
            await asyncio.sleep(0.02)


async def test_running_reply_is_taken_along_and_read_to_its_end_in_the_account(
    alice: Visitor, account: Account, model_database: str, model: Model
) -> None:
    gate = Latch()
    model.script(Answer("Once upon a time, and so on.", gate=gate, gate_after=2))
    async with ChatClient(alice) as before:
        accepted = await before.send("Tell me a story.")
        await before.until(lambda: before.text_of(accepted["turn"]))
        mei = await account.sign_up()
        code = await closed_soon(before)
    await account.submit("claim", choice="take")
    async with ChatClient(mei) as client:
        await client.subscribe(accepted["conversation"])
        await client.frame("sync")
        gate.open()
        await client.end_of(accepted["turn"])

    assert code == 4501
    assert client.text_of(accepted["turn"]) == "Once upon a time, and so on."
    assert await until_ended(model_database, accepted["message"]) == "done"


async def test_second_visitor_and_the_browser_from_before_read_nothing_that_was_taken(
    alice: Visitor, bob: Visitor, account: Account
) -> None:
    async with ChatClient(alice) as client:
        accepted = await client.send("A private matter.")
        await client.end_of(accepted["turn"])
    mei = await account.sign_up()
    await account.submit("claim", choice="take")

    path = f"/api/conversations/{accepted['conversation']}"
    mine, others = await mei.get(path), [await bob.get(path), await alice.get(path)]

    assert mine["messages"][0]["text"] == "A private matter."
    assert others == [{"error": {"code": "not_found"}}] * 2


async def test_sign_out_and_deletion_close_the_sockets_for_good(
    account: Account, model_server: ChatServer
) -> None:
    mei = await account.sign_up()
    async with ChatClient(mei) as client:
        await account.submit("delete", password=PASSWORD)
        deleted = await closed_soon(client)
    lan_account = Account(await Visitor.arrive(model_server))
    async with ChatClient(await lan_account.sign_up()) as client:
        await lan_account.submit("sign-out")
        signed_out = await closed_soon(client)
    await lan_account.close()

    assert (deleted, signed_out) == (4501, 4501)


async def test_browser_that_was_signed_out_while_it_was_away_is_told_so(
    account: Account, model_server: ChatServer, model_database: str
) -> None:
    """And is no stranger, whose questions would be lost with the page."""
    mei = await account.sign_up()
    password = "UPDATE auth_user SET password = '!' WHERE username = %s RETURNING id"
    async with ChatClient(mei) as client:
        [welcome] = client.all_of("welcome")
        assert rows(model_database, password, welcome["visitor"]["name"])
        await closed_soon(client)

    async with RawSocket(model_server, visitor=mei) as socket:
        code = await socket.close_code()

    assert code == 4501
    assert [each["code"] for each in socket.frames] == ["session_ended"]


async def test_turn_of_a_deleted_account_ends_without_a_complaint(
    account: Account, model: Model, model_database: str
) -> None:
    gate = Latch()
    model.script(Answer("Once upon a time, and so on.", gate=gate, gate_after=2))
    mei = await account.sign_up()
    async with ChatClient(mei) as client:
        accepted = await client.send("Tell me a story.")
        await client.until(lambda: client.text_of(accepted["turn"]))
        await account.submit("delete", password=PASSWORD)
        await closed_soon(client)

    gate.open()

    ask = await Visitor.arrive(mei.server)
    async with ChatClient(ask) as other:
        assert (await other.ask("Is all well?"))["status"] == "done"
    statement = "SELECT count(*) FROM chat_message WHERE id = %s"
    assert rows(model_database, statement, accepted["message"]) == [(0,)]
