"""A thousand replies broken off at any moment: nobody ever sees what is another's."""

import asyncio
import json
import random
import re
from collections.abc import Iterator

import pytest

from tests.chat_client import ChatClient, Visitor, new_id
from tests.chat_reply import Frame
from tests.conftest import quiet
from tests.databases import database_url
from tests.faults.redis_server import RedisServer
from tests.openai_server import OpenAIServer
from tests.serving import ChatServer
from tests.unharmed import unharmed

VISITORS = 20
CANCELS = 1_000
CANARY = re.compile(r"canary-[0-9a-f]{12}")
SECONDS = 240


@pytest.fixture
def hurried_server(model_database: str, scripted_server: OpenAIServer) -> Iterator[ChatServer]:
    """With calls to Redis in flight all the time."""
    with RedisServer() as redis:
        settings = {
            "DATABASE_URL": database_url(model_database),
            "OPENAI_BASE_URL": scripted_server.base_url,
            "REDIS_URL": redis.url,
            "SENDS_PER_MINUTE": "100000",
            "SENDS_PER_MINUTE_PER_IP": "100000",
            "SOCKET_FRAMES_PER_SECOND": "1000",
        }
        with quiet(ChatServer(settings=settings)) as server:
            yield server


class Fickle:
    """Asks, and breaks the reply off after as many frames as chance has it."""

    def __init__(self, visitor: Visitor, chance: random.Random) -> None:
        self.canary = f"canary-{new_id()[-12:]}"
        self.frames: list[Frame] = []
        self.conversations: set[str] = set()
        self._visitor = visitor
        self._chance = chance

    async def cancel(self, count: int) -> None:
        done = 0
        while done < count:
            async with ChatClient(self._visitor) as client:
                stays = min(self._chance.randint(1, 8), count - done)
                for _ in range(stays):
                    await self._ask_and_stop(client)
                await client.vanish()
            done += stays
            self.frames += client.frames

    async def _ask_and_stop(self, client: ChatClient) -> None:
        accepted = await client.send(f"Why does {self.canary} bang its head?")
        self.conversations.add(accepted["conversation"])
        turn = accepted["turn"]
        patience = self._chance.randint(0, 6)
        await client.until(
            lambda: len(client.frames_of(turn)) >= patience or client.reply(turn).end
        )
        await client.say({"type": "stop", "turn": turn})
        if self._chance.random() < 0.5:
            await client.end_of(turn)

    def strange(self) -> list[Frame]:
        """Frames that are not this visitor's."""
        return [frame for frame in self.frames if not self._owns(frame)]

    def _owns(self, frame: Frame) -> bool:
        canaries = set(CANARY.findall(json.dumps(frame)))
        talk = frame.get("conversation")
        return canaries <= {self.canary} and (talk is None or talk in self.conversations)


async def test_t32_a_thousand_cancelled_replies_are_never_mixed_up(
    hurried_server: ChatServer,
) -> None:
    seed = random.randrange(2**32)  # noqa: S311  (no secret)
    chances = [random.Random(seed + number) for number in range(VISITORS)]  # noqa: S311  (as above)
    fickle = [Fickle(await Visitor.arrive(hurried_server), chance) for chance in chances]

    async with unharmed(hurried_server), asyncio.timeout(SECONDS):
        await asyncio.gather(*(each.cancel(CANCELS // VISITORS) for each in fickle))

    assert [each.strange() for each in fickle] == [[]] * VISITORS, f"seed {seed}"
    assert all(CANARY.search(json.dumps(each.frames)) for each in fickle)
