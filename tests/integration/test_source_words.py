"""The experts' own words come with every reply as safe HTML, and are stored without it."""

from tests.chat_client import ChatClient, Visitor
from tests.conftest import Model
from tests.databases import rows
from tests.openai_script import Answer, CallTool
from tests.page_requests import conversation_path

QUESTION = "自闭症孩子自伤怎么办？"


async def test_words_of_a_source_are_told_alike_wherever_it_is_told(
    alice: Visitor, model: Model, model_database: str
) -> None:
    model.script(CallTool(QUESTION), Answer("先护住头。[1]"))
    async with ChatClient(alice) as client:
        accepted = await client.send(QUESTION)
        ended = await client.end_of(accepted["turn"])
        await client.subscribe(accepted["conversation"], rev=0)
        sync = await client.frame("sync", conversation=accepted["conversation"])

    message = await alice.get(f"/api/messages/{accepted['message']}")
    detail = await alice.get(conversation_path(accepted["conversation"]))
    [source] = ended["sources"]
    assert source["html"].startswith("<p>")
    assert source["html"].count(source["text"][:5]) == 1
    assert sync["messages"][-1]["sources"] == [source]
    assert detail["messages"][-1]["sources"] == message["sources"] == [source]
    stored = "SELECT sources FROM chat_message WHERE id = %s"
    [([kept],)] = rows(model_database, stored, accepted["message"])
    assert kept == {name: value for name, value in source.items() if name != "html"}
