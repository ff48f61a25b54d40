"""A conversation as a file and on paper."""

from urllib.parse import quote

import pytest

from tests.chat_client import ChatClient, Visitor, new_id
from tests.chat_reply import Frame
from tests.conftest import Model
from tests.openai_script import Answer
from tests.page_requests import conversation_path, request


@pytest.fixture
async def accepted(alice: Visitor, model: Model) -> Frame:
    """A question, its first reply, and the second one."""
    model.script(Answer("The first reply."), Answer("The **second** reply."))
    async with ChatClient(alice) as client:
        accepted = await client.send("孩子 won't eat.\n# Why is that?")
        await client.end_of(accepted["turn"])
        again = {"type": "regenerate", "id": new_id(), "message": accepted["message"]}
        await client.say(again)
        await client.end_of((await client.frame("accepted", id=again["id"]))["turn"])
    return accepted


async def test_markdown_tells_the_newest_branch(alice: Visitor, accepted: Frame) -> None:
    path = conversation_path(accepted["conversation"], "/export?format=md")

    response = await request(alice, "GET", path, headers={"Accept-Language": "en"})

    assert response.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert "> 孩子 won't eat.\n> # Why is that?" in response.text
    assert "The **second** reply." in response.text
    assert "The first reply." not in response.text


async def test_json_is_everything_as_the_protocol_tells_it(alice: Visitor, accepted: Frame) -> None:
    path = conversation_path(accepted["conversation"])

    told = (await request(alice, "GET", f"{path}/export?format=json")).json()

    [listed] = (await alice.get("/api/conversations"))["conversations"]
    assert told["conversation"] == listed
    assert told["messages"] == (await alice.get(path))["messages"]
    assert len(told["messages"]) == 3


@pytest.mark.parametrize("ending", ["md", "json"])
async def test_t46_name_of_the_file_is_the_title(
    alice: Visitor, accepted: Frame, ending: str
) -> None:
    path = conversation_path(accepted["conversation"])
    await request(alice, "PATCH", path, {"title": '../吃饭 "now"\\'})

    response = await request(alice, "GET", f"{path}/export?format={ending}")

    name = quote(f"吃饭 now.{ending}")
    assert response.headers["Content-Disposition"] == f"attachment; filename*=utf-8''{name}"
    assert "no-store" in response.headers["Cache-Control"]


async def test_other_formats_are_refused(alice: Visitor, accepted: Frame) -> None:
    path = conversation_path(accepted["conversation"], "/export?format=exe")

    response = await request(alice, "GET", path)

    assert (response.status_code, response.json()) == (400, {"error": {"code": "bad_text"}})


@pytest.mark.parametrize("path", ["/api/conversations/{}/export", "/c/{}/print"])
async def test_somebody_elses_is_told_like_what_does_not_exist(
    bob: Visitor, accepted: Frame, path: str
) -> None:
    theirs, none = [
        await request(bob, "GET", path.format(each))
        for each in (accepted["conversation"], new_id())
    ]

    assert theirs.status_code == none.status_code == 404
    assert theirs.content == none.content


async def test_page_for_paper_needs_no_script(alice: Visitor, accepted: Frame) -> None:
    response = await request(alice, "GET", f"/c/{accepted['conversation']}/print")

    assert response.status_code == 200
    assert "孩子 won&#x27;t eat." in response.text
    assert "The <strong>second</strong> reply." in response.text
    assert "The first reply." not in response.text
    assert "no-store" in response.headers["Cache-Control"]
