"""Read-only links: opt-in, as it was when it was shared, and gone when it is taken back."""

from dataclasses import dataclass

import httpx2
import pytest

from tests.chat_client import NO_TLS, ChatClient, Visitor, new_id
from tests.chat_reply import Frame
from tests.conftest import Model
from tests.latch import Latch
from tests.openai_script import Answer, CallTool
from tests.page_requests import conversation_path, request

QUESTION = "自闭症孩子自伤怎么办？"


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    visitor: Visitor
    client: ChatClient
    conversation: str

    async def share(self) -> str:
        response = await request(
            self.visitor, "POST", conversation_path(self.conversation, "/share")
        )
        assert response.status_code == 200
        return str(response.json()["url"])

    async def revoke(self) -> int:
        path = conversation_path(self.conversation, "/share")
        return (await request(self.visitor, "DELETE", path)).status_code

    async def ask(self, text: str) -> Frame:
        return await self.client.ask(text, conversation=self.conversation)


async def read(url: str, **headers: str) -> httpx2.Response:
    """As somebody who has never been here."""
    async with httpx2.AsyncClient(verify=NO_TLS, headers=headers) as http:
        return await http.get(url)


@pytest.fixture
async def client(alice: Visitor) -> ChatClient:
    return ChatClient(alice)


async def asked(client: ChatClient, model: Model) -> Talk:
    model.script(
        CallTool(QUESTION), Answer("先**护住头**，见[指南](https://www.nice.org.uk/a)。[1]")
    )
    accepted = await client.send(QUESTION)
    await client.end_of(accepted["turn"])
    return Talk(visitor=client.visitor, client=client, conversation=accepted["conversation"])


async def test_copy_tells_who_said_what_and_whose_words_it_rests_on(
    client: ChatClient, model: Model
) -> None:
    async with client:
        talk = await asked(client, model)
        [source, *_] = (await talk.visitor.get(conversation_path(talk.conversation)))["messages"][
            -1
        ]["sources"]

        page = (await read(await talk.share())).text

    assert QUESTION in page
    assert "先<strong>护住头</strong>" in page
    assert source["expert"] in page
    assert source["role"] in page
    assert source["html"] in page


async def test_copy_is_of_the_branch_that_is_on_the_screen(
    client: ChatClient, model: Model
) -> None:
    async with client:
        talk = await asked(client, model)
        [_, shown] = (await talk.visitor.get(conversation_path(talk.conversation)))["messages"]
        await client.ask("What nobody else shall read.", conversation=talk.conversation)

        path = conversation_path(talk.conversation, "/share")
        response = await request(talk.visitor, "POST", path, {"last": shown["id"]})
        page = (await read(response.json()["url"])).text
        elsewhere = await request(talk.visitor, "POST", path, {"last": new_id()})

    assert f'<h1 dir="auto">{QUESTION}</h1>' in page
    assert "What nobody else shall read." not in page
    assert elsewhere.status_code == 404


async def test_name_that_is_given_later_is_not_in_the_copy(
    client: ChatClient, model: Model
) -> None:
    async with client:
        talk = await asked(client, model)
        url = await talk.share()

        await request(
            talk.visitor, "PATCH", conversation_path(talk.conversation), {"title": "Li Wei"}
        )

        assert "Li Wei" not in (await read(url)).text


async def test_link_with_what_no_link_has_leads_nowhere(alice: Visitor) -> None:
    assert (await read(f"{alice.server.url}/s/%00")).status_code == 404


async def test_copy_is_for_readers_alone(client: ChatClient, model: Model) -> None:
    async with client:
        talk = await asked(client, model)

        response = await read(await talk.share())

    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response.headers["X-Robots-Tag"]
    assert talk.conversation not in response.text
    assert talk.visitor.cookie.partition("=")[2] not in response.text


async def test_what_is_said_later_is_not_in_the_copy(client: ChatClient, model: Model) -> None:
    async with client:
        talk = await asked(client, model)
        url = await talk.share()
        await talk.ask("Something for me alone?")

        before = (await read(url)).text
        again = await talk.share()
        after = (await read(url)).text

    assert again == url
    assert "Something for me alone?" not in before
    assert "Something for me alone?" in after


async def test_reply_that_is_still_written_is_not_in_the_copy(
    client: ChatClient, model: Model
) -> None:
    gate = Latch()
    async with client:
        talk = await asked(client, model)
        model.script(Answer("It is a secret as yet.", pieces=4, gate=gate, gate_after=2))
        accepted = await client.send("Tell me a secret.", conversation=talk.conversation)
        url = await talk.share()
        during = (await read(url)).text
        gate.open()
        await client.end_of(accepted["turn"])

        after = (await read(url)).text

    assert "Tell me a secret." in during
    assert "It is a secret" not in during
    assert "It is a secret" not in after


async def test_list_tells_the_link_until_it_is_revoked(client: ChatClient, model: Model) -> None:
    async with client:
        talk = await asked(client, model)
        before = await listed(talk)
        url = await talk.share()
        shared = await listed(talk)
        revoked = [await talk.revoke(), await talk.revoke()]

        after = await listed(talk)

    assert (before["shared"], shared["shared"], after["shared"]) == (None, url, None)
    assert revoked == [204, 204]
    assert url.startswith(f"{talk.visitor.server.url}/s/")
    assert before["rev"] < shared["rev"] < after["rev"]


async def listed(talk: Talk) -> Frame:
    told = await talk.visitor.get("/api/conversations")
    return next(each for each in told["conversations"] if each["id"] == talk.conversation)


async def test_revoked_deleted_and_unknown_links_are_alike(
    client: ChatClient, model: Model
) -> None:
    async with client:
        talk = await asked(client, model)
        url = await talk.share()
        await talk.revoke()
        revoked = await read(url)
        new = await talk.share()
        await request(talk.visitor, "DELETE", conversation_path(talk.conversation))
        deleted = await read(new)
        unknown = await read(f"{url[:-3]}xyz")
        await request(talk.visitor, "POST", conversation_path(talk.conversation, "/restore"))
        restored = await read(new)

    assert new != url
    assert revoked.status_code == deleted.status_code == unknown.status_code == 404
    assert revoked.content == deleted.content == unknown.content
    assert private_headers(revoked) == private_headers(deleted) == private_headers(unknown)
    assert "Set-Cookie" not in unknown.headers
    assert restored.status_code == 200


def private_headers(response: httpx2.Response) -> dict[str, str]:
    changing = {"date", "content-length"}
    return {name: value for name, value in response.headers.items() if name not in changing}


async def test_copy_follows_the_branch_that_was_shown(client: ChatClient, model: Model) -> None:
    async with client:
        talk = await asked(client, model)
        model.script(Answer("An answer to the edited one."))
        accepted = await client.send(
            "The edited question?", conversation=talk.conversation, parent=None
        )
        await client.end_of(accepted["turn"])

        page = (await read(await talk.share())).text

    assert "An answer to the edited one." in page
    assert "护住头" not in page


async def test_t40_words_of_visitors_are_no_markup(client: ChatClient, model: Model) -> None:
    async with client:
        model.script(Answer("<img src=x onerror=alert(1)>"))
        accepted = await client.send("</title><script>alert(1)</script>")
        await client.end_of(accepted["turn"])
        talk = Talk(visitor=client.visitor, client=client, conversation=accepted["conversation"])

        page = (await read(await talk.share())).text

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in page


async def test_many_links_cannot_be_guessed(client: ChatClient, model: Model) -> None:
    async with client:
        talk = await asked(client, model)
        tokens = set()
        for _ in range(3):
            tokens.add((await talk.share()).rpartition("/")[2])
            await talk.revoke()

    assert len(tokens) == 3
    assert all(len(token) * 6 >= 128 for token in tokens)
