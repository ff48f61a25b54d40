"""How tests ask for an answer that waits where they want it, and count who asked."""

from tests.chat_client import ChatClient
from tests.chat_reply import Frame
from tests.faults.cluster import Cluster
from tests.faults.provider import PIECES, story
from tests.latch import Latch
from tests.openai_script import Answer
from tests.openai_server import Received

HALF = PIECES // 2
FEW = 4


def half_told(question: str, gate: Latch) -> Answer:
    """Half of a story; the other half when the gate is opened."""
    return Answer(story(question), pieces=PIECES, pace=0, gate=gate, gate_after=HALF)


async def begin_half_told(
    cluster: Cluster, client: ChatClient, question: str, *, conversation: str | None = None
) -> tuple[Frame, Latch]:
    """The `accepted` of a question whose reply has begun and waits for the gate."""
    gate = Latch()
    cluster.provider.script(half_told(question, gate))
    accepted = await client.send(question, conversation=conversation)
    await client.until(lambda: stamps(client.text_of(accepted["turn"])) >= HALF - 1)
    return accepted, gate


def slowly_told(question: str) -> Answer:
    """Three seconds of a story, without a gate."""
    return Answer(story(question), pieces=PIECES, pace=0.125)


async def begin_slowly_told(
    cluster: Cluster, client: ChatClient, reader: ChatClient, question: str
) -> str:
    """The turn of a question whose reply both are being told."""
    cluster.provider.script(slowly_told(question))
    accepted = await client.send(question)
    await reader.subscribe(accepted["conversation"])
    await reader.until(lambda: stamps(reader.text_of(accepted["turn"])) >= FEW)
    return str(accepted["turn"])


async def told_more(client: ChatClient, turn: str, pieces: int = FEW) -> None:
    """Returns when the client was told so many more pieces of a reply that goes on."""
    known = stamps(client.text_of(turn))
    reply = client.reply(turn)
    await client.until(lambda: reply.end or stamps(client.text_of(turn)) >= known + pieces)
    assert reply.end is None, "The reply ended before it could be seen going on."


def stamps(text: str) -> int:
    return text.count("[call ")


def calls_about(cluster: Cluster, question: str) -> list[Received]:
    """The provider's calls of this test that were asked this last."""
    return [
        received
        for received in cluster.provider.requests[cluster.calls_before :]
        if received.body["messages"][-1]["content"] == question
    ]
