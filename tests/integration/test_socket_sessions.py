"""Sessions that end while their sockets are open."""

import asyncio
from collections.abc import Mapping

import httpx2
import pytest
from django.contrib.auth.hashers import make_password

from tests.chat_client import NO_TLS, ChatClient, Visitor, new_id, send_command
from tests.conftest import Model
from tests.databases import database_url, new_database, rows, without_connections
from tests.latch import Latch
from tests.openai_script import Answer
from tests.serving import ChatServer
from tests.uvicorn_server import EVERY_SERVER

SOON_SECONDS = 2.0
PASSWORD = "correct horse battery staple"

ENDINGS: Mapping[str, str] = {
    "another password": "UPDATE auth_user SET password = 'md5$a$b' WHERE username = %s",
    "deactivated": "UPDATE auth_user SET is_active = false WHERE username = %s",
    "no longer to sign in": "UPDATE auth_user SET password = '!' WHERE username = %s",
}
SESSION_ENDINGS: Mapping[str, str] = {
    "deleted": "DELETE FROM django_session WHERE session_key = %s",
    "run out": "UPDATE django_session SET expire_date = now() WHERE session_key = %s",
}


def change(database: str, statement: str, *values: object) -> None:
    assert rows(database, f"{statement} RETURNING 1", *values)


async def signed_in(server: ChatServer, database: str, name: str) -> Visitor:
    """A member of the staff, with a session of her own."""
    change(
        database,
        "INSERT INTO auth_user (username, password, is_active, is_staff, is_superuser,"
        " first_name, last_name, email, date_joined)"
        " VALUES (%s, %s, true, true, false, '', '', '', now())",
        name,
        make_password(PASSWORD),
    )
    return await logged_in(server, name, cookies={})


async def logged_in(server: ChatServer, name: str, *, cookies: dict[str, str]) -> Visitor:
    async with httpx2.AsyncClient(verify=NO_TLS, base_url=server.url, cookies=cookies) as http:
        await http.get("/admin/login/")
        login = {"username": name, "password": PASSWORD}
        answer = await post(http, server, "/admin/login/?next=/", login)
        assert answer.status_code == 302
        return Visitor(server=server, cookie=f"sessionid={answer.cookies['sessionid']}")


async def post(
    http: httpx2.AsyncClient, server: ChatServer, path: str, fields: Mapping[str, str]
) -> httpx2.Response:
    form = {**fields, "csrfmiddlewaretoken": http.cookies["csrftoken"]}
    return await http.post(path, data=form, headers={"Origin": server.url})


async def log_out(visitor: Visitor) -> None:
    """In another tab."""
    server = visitor.server
    cookies = {"sessionid": session_key(visitor)}
    async with httpx2.AsyncClient(verify=NO_TLS, base_url=server.url, cookies=cookies) as http:
        await http.get("/admin/password_change/")
        await post(http, server, "/admin/logout/", {})


def session_key(visitor: Visitor) -> str:
    return visitor.cookie.partition("=")[2]


async def closed_soon(client: ChatClient) -> int | None:
    async with asyncio.timeout(SOON_SECONDS):
        return await client.close_code()


async def until_ended(database: str, message: str) -> str:
    """The status of a reply, once it is complete."""
    async with asyncio.timeout(10):
        while True:
            ((status,),) = rows(database, "SELECT status FROM chat_message WHERE id = %s", message)
            if status != "running":
                return str(status)
            await asyncio.sleep(0.02)


@EVERY_SERVER
async def test_t28_logout_in_another_tab_closes_the_sockets_and_stops_nothing(
    model_server: ChatServer, model_database: str, model: Model
) -> None:
    alice = await signed_in(model_server, model_database, f"alice-{new_id()}")
    gate = Latch()
    model.script(Answer("Once upon a time, and so on.", gate=gate, gate_after=2))
    async with ChatClient(alice) as client, ChatClient(alice) as second:
        accepted = await client.send("Tell me a story.")
        await client.until(lambda: client.text_of(accepted["turn"]))
        await log_out(alice)
        codes = [await closed_soon(client), await closed_soon(second)]
        gate.open()

    assert codes == [4501, 4501]
    assert (client.frames[-1]["type"], client.frames[-1]["code"]) == ("bye", "session_ended")
    assert await until_ended(model_database, accepted["message"]) == "done"


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
async def test_t28_account_that_changes_closes_its_sockets(
    model_server: ChatServer, model_database: str, ending: str
) -> None:
    name = f"alice-{new_id()}"
    alice = await signed_in(model_server, model_database, name)
    async with ChatClient(alice) as client, ChatClient(await Visitor.arrive(model_server)) as bob:
        change(model_database, ending, name)
        code = await closed_soon(client)
        ended = await bob.ask("Is this any business of mine?")

    assert (code, ended["status"]) == (4501, "done")


@pytest.mark.parametrize("ending", SESSION_ENDINGS.values(), ids=SESSION_ENDINGS.keys())
async def test_t28_anonymous_session_that_is_gone_closes_its_sockets(
    alice: Visitor, model_database: str, ending: str
) -> None:
    async with ChatClient(alice) as client:
        change(model_database, ending, session_key(alice))

        assert await closed_soon(client) == 4501


async def test_t28_login_in_another_tab_closes_the_sockets_of_the_anonymous_visitor(
    alice: Visitor, model_server: ChatServer, model_database: str
) -> None:
    name = f"alice-{new_id()}"
    await signed_in(model_server, model_database, name)
    async with ChatClient(alice) as client:
        await logged_in(model_server, name, cookies={"sessionid": session_key(alice)})

        assert await closed_soon(client) == 4501


async def test_visitor_without_a_session_has_none_that_could_end(model_server: ChatServer) -> None:
    stranger = Visitor(server=model_server, cookie="sessionid=forged0forged0")
    async with ChatClient(stranger) as client:
        seen = len(client.all_of("ping"))
        await client.until(lambda: len(client.all_of("ping")) > seen + 2)
        ended = await client.ask("May I stay?")

    assert ended["status"] == "done"


async def test_question_after_the_end_of_the_session_is_refused_and_not_stored(
    knowledge: str,
) -> None:
    with new_database(knowledge) as name:
        settings = {"DATABASE_URL": database_url(name), "SESSION_CHECK_SECONDS": "60"}
        with ChatServer(settings=settings) as server:
            alice = await Visitor.arrive(server)
            async with ChatClient(alice) as client:
                change(name, SESSION_ENDINGS["deleted"], session_key(alice))
                command = send_command("Will you still listen to me?")
                refused = await client.error(command)
                code = await client.close_code()
        stored = rows(name, "SELECT count(*) FROM chat_message")

    assert (refused, code, stored) == ("session_ended", 4501, [(0,)])
    assert client.all_of("error")[0]["id"] == command["id"]


async def test_nobody_is_sent_away_while_the_database_is_away(knowledge: str) -> None:
    with new_database(knowledge) as name:
        settings = {
            "DATABASE_URL": database_url(name),
            "SESSION_CHECK_SECONDS": "0.1",
            "PING_SECONDS": "1",
        }
        with ChatServer(settings=settings) as server:
            async with ChatClient(await Visitor.arrive(server)) as client:
                with without_connections(name):
                    server.wait_for_log("sessions not looked at")
                    seen = len(client.all_of("ping"))
                    await client.until(lambda: len(client.all_of("ping")) > seen + 1)
                ended = await client.ask("孩子总是撞头怎么办？")

    assert ended["status"] == "done"
