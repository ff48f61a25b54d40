"""The provider fails while readers of two processes listen; tests/integration has every way."""

import asyncio
import time

import pytest

from tests.chat_client import ChatClient
from tests.chat_reply import Frame
from tests.faults.cluster import Cluster
from tests.faults.observer import assert_standing
from tests.openai_script import CallTool, Drop, Malformed, Stall, Status, Step, Truncate

QUICKLY = {"MODEL_PROGRESS_SECONDS": "1", "MODEL_FIRST_TOKEN_SECONDS": "1"}


def events(client: ChatClient, kind: str) -> list[Frame]:
    return [f["event"] for f in client.all_of("event") if f["event"]["kind"] == kind]


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Drop(after_pieces=4), "upstream_reset"),
        (Drop(after_pieces=4, how="rst"), "upstream_reset"),
        (Truncate(after_pieces=4), "upstream_truncated"),
        (Malformed(after_pieces=4), "upstream_malformed"),
    ],
    ids=["fin", "rst", "truncated", "malformed"],
)
async def test_fault_21_reply_that_broke_off_is_replaced_for_all_readers(
    pair: Cluster, step: Step, code: str
) -> None:
    pair.provider.script(step)
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as reader:
        accepted = await client.send("The newt")
        await reader.subscribe(accepted["conversation"])
        ended = await reader.end_of(accepted["turn"])

        await assert_standing(pair, client, reader)
    assert ended["status"] == "done"
    assert [notice["code"] for notice in events(client, "notice")] == [code]


async def test_fault_21_reply_that_breaks_off_each_time_is_never_done(pair: Cluster) -> None:
    pair.provider.script(*[Truncate(after_pieces=4)] * 3)
    async with pair.client(await pair.visitor()) as client:
        ended = await client.ask("The eft")

        await assert_standing(pair, client)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "upstream_truncated")
    assert client.text_of(ended["turn"])


@pytest.mark.parametrize("seconds", [0, 0.2], ids=["silent", "comments"])
async def test_fault_22_provider_that_stalls_is_left(pair: Cluster, seconds: float) -> None:
    pair.restart(0, **QUICKLY)
    calls = len(pair.provider.requests)
    pair.provider.script(Stall(after_pieces=4, comment_seconds=seconds))
    async with pair.client(await pair.visitor()) as client:
        ended = await client.ask("The dormouse")

        await assert_standing(pair, client)
    assert ended["status"] == "done"
    assert pair.provider.requests[calls].disconnected.is_open()


async def test_fault_23_stop_while_the_provider_is_waited_for_works_at_once(pair: Cluster) -> None:
    pair.provider.script(Status(429, retry_after=8))
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as other:
        accepted = await client.send("The hornet")
        (notice,) = await client.until(lambda: events(client, "notice"))

        began = time.monotonic()
        await other.say({"type": "stop", "turn": accepted["turn"]})
        ended = await client.end_of(accepted["turn"])
        seconds = time.monotonic() - began

        await assert_standing(pair, client)
    assert notice == {"kind": "notice", "code": "upstream_rate_limited", "retry_ms": 8000}
    assert (ended["status"], seconds < 5) == ("stopped", True)


@pytest.mark.parametrize("form", ["tool_calls", "function_call"])
async def test_fault_24_call_in_fragments_is_answered(pair: Cluster, form: str) -> None:
    question = "孩子只吃白米饭怎么办？"
    pair.provider.script(CallTool(question, fragments=7, form=form))  # type: ignore[arg-type]
    alice = await pair.visitor()
    async with pair.client(alice, 0) as client, pair.client(alice, 1) as reader:
        accepted = await client.send(question)
        await reader.subscribe(accepted["conversation"])
        ended = await asyncio.wait_for(reader.end_of(accepted["turn"]), 20)

        await assert_standing(pair, client, reader)
    assert (ended["status"], ended["grounding"]) == ("done", "answer")
