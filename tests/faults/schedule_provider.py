"""A provider that tells of each story only as much as a schedule has let out."""

import asyncio

from tests.faults.provider import story
from tests.latch import Latch
from tests.openai_http import LAST_CHUNK, body_chunk, response_head
from tests.openai_replies import JsonObject, Stream
from tests.openai_script import Answer, Step
from tests.openai_server import EVENT_STREAM, OpenAIServer, Received

PIECES = 12


class Faucet:
    """How far the stories about one question may be told: to `PIECES` pieces, and then the end."""

    def __init__(self) -> None:
        self._latches = [Latch() for _ in range(PIECES + 1)]
        self.poured = 0

    @property
    def finished(self) -> bool:
        return self.poured > PIECES

    def pour(self, pieces: int) -> None:
        """So many more, but not the end."""
        self._open_until(min(self.poured + pieces, PIECES))

    def finish(self) -> None:
        self._open_until(PIECES + 1)

    async def reached(self, position: int) -> None:
        """Returns when piece number `position`, counted from 0, may be told."""
        await self._latches[position].wait()

    def _open_until(self, position: int) -> None:
        for latch in self._latches[self.poured : position]:
            latch.open()
        self.poured = max(self.poured, position)


class FaucetServer(OpenAIServer):
    """Every question has a faucet, which all replies to it share."""

    def __init__(self) -> None:
        super().__init__(stamped=True, unscripted=short_story)
        self._faucets: dict[str, Faucet] = {}

    def faucet(self, question: str) -> Faucet:
        return self._faucets.setdefault(question, Faucet())

    async def _send_stream(
        self, reply: Stream, step: Step, received: Received, writer: asyncio.StreamWriter
    ) -> None:
        faucet = self.faucet(question_of(received.body))
        writer.write(response_head(200, EVENT_STREAM) + body_chunk(reply.opening))
        for position, delta in enumerate(reply.deltas):
            await faucet.reached(position)
            writer.write(body_chunk(delta))
            await writer.drain()
            received.deltas_sent += 1
        await faucet.reached(PIECES)
        writer.write(body_chunk(reply.closing) + LAST_CHUNK)
        await writer.drain()


def short_story(body: JsonObject) -> Step:
    told = story(question_of(body), sentences=6, in_paragraph=2)
    return Answer(told, pieces=PIECES)


def question_of(body: JsonObject) -> str:
    return str(body["messages"][-1]["content"])
