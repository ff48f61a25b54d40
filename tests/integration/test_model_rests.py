"""A provider that is down: after some failures nobody waits for it, and the experts are quoted."""

from tests.chat_client import ChatClient, Visitor
from tests.conftest import Model
from tests.databases import database_url, new_database
from tests.openai_script import Drop
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer

QUESTION = "孩子总是撞头怎么办？"


async def test_t37_provider_that_is_down_is_left_alone(
    knowledge: str, scripted_server: OpenAIServer, model: Model
) -> None:
    model.script(*[Drop(after_pieces=0)] * 20)
    with new_database(knowledge) as name:
        settings = {
            "DATABASE_URL": database_url(name),
            "OPENAI_BASE_URL": scripted_server.base_url,
            "MODEL_REST_SECONDS": "600",
        }
        with ChatServer(settings=settings) as server:
            async with ChatClient(await Visitor.arrive(server)) as client:
                ends = [await client.ask(QUESTION) for _ in range(5)]

    assert {end["status"] for end in ends} == {"done"}
    assert {end["grounding"] for end in ends} == {"answer"}
    assert len(model.requests) == 5
