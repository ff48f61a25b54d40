"""The real model adapter and the real client, before the scripted server or another."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chat.llm.clocks import ModelClocks
from chat.llm.openai import OpenAILanguageModel
from chat.turn.events import TextDelta
from chat.turn.language_model import (
    ChatMessage,
    ModelEvent,
    ModelRequest,
    RoundFinished,
    Tool,
    UpstreamError,
)
from tests.latch import Latch
from tests.openai_script import Step
from tests.openai_server import OpenAIServer

KEY = "sk-canary-0123456789"
QUESTION = "孩子总是撞头怎么办?"
TOOL = Tool(name="search_expert_answers", description="Searches.", parameters={"type": "object"})
ASKING = ModelRequest(messages=(ChatMessage(role="user", content=QUESTION),), tools=(TOOL,))
STOP = RoundFinished(reason="stop")
PATIENT = ModelClocks(first_content_seconds=10, progress_seconds=10, round_seconds=20)
QUICK = 0.15


@asynccontextmanager
async def model_at(
    base_url: str, clocks: ModelClocks = PATIENT, *, key: str = KEY, connect_seconds: float = 5
) -> AsyncIterator[OpenAILanguageModel]:
    model = OpenAILanguageModel(
        api_key=key,
        base_url=base_url,
        model="scripted",
        temperature=0.3,
        clocks=clocks,
        connect_seconds=connect_seconds,
    )
    try:
        yield model
    finally:
        await model.aclose()


@asynccontextmanager
async def scripted(
    *steps: Step, clocks: ModelClocks = PATIENT, knows_stream_options: bool = True
) -> AsyncIterator[tuple[OpenAIServer, OpenAILanguageModel]]:
    async with (
        OpenAIServer(*steps, knows_stream_options=knows_stream_options) as server,
        model_at(server.base_url, clocks) as model,
    ):
        yield server, model


async def events_of(stream: AsyncGenerator[ModelEvent, None]) -> list[ModelEvent]:
    return [event async for event in stream]


async def failure_of(model: OpenAILanguageModel) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await events_of(model.stream(ASKING))
    return caught.value


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def soon(latch: Latch) -> None:
    await asyncio.wait_for(latch.wait(), 1)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
