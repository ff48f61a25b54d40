"""The scripted server itself, as other tests and other programs use it."""

import base64
import json
import struct
import subprocess
import sys
from urllib.request import Request, urlopen

import pytest

from chat.llm.clocks import ModelClocks
from chat.llm.openai import OpenAILanguageModel
from chat.turn.events import JsonValue, TextDelta
from chat.turn.language_model import ChatMessage, ModelRequest
from tests.openai_replies import JsonObject, calls_stamped_in
from tests.openai_server import OpenAIServer, embedding, in_thread


def answer_to(url: str, body: JsonValue = None) -> JsonObject:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data), timeout=10) as response:  # noqa: S310  (loopback)
        answer: JsonObject = json.loads(response.read())
        return answer


@pytest.mark.parametrize("dimensions", [4, 1536])
def test_embeddings_come_as_numbers_or_base64(dimensions: int) -> None:
    asked: dict[str, JsonValue] = {"input": ["撞头", "睡觉"], "dimensions": dimensions}
    with in_thread(OpenAIServer()) as server:
        url = f"{server.base_url}/embeddings"
        numbers = answer_to(url, asked)["data"]
        texts = answer_to(url, asked | {"encoding_format": "base64"})["data"]

    vector = numbers[1]["embedding"]
    assert vector == embedding("睡觉", dimensions)
    unpacked = struct.unpack(f"<{dimensions}f", base64.b64decode(texts[1]["embedding"]))
    assert unpacked == pytest.approx(vector, abs=1e-6)
    assert len(server.embedding_requests) == 2


def test_texts_that_share_words_are_near_each_other() -> None:
    def nearness(one: str, other: str) -> float:
        pairs = zip(embedding(one, 256), embedding(other, 256), strict=True)
        return sum(a * b for a, b in pairs)

    assert nearness("孩子总是撞头怎么办", "孩子撞头怎么办") > 0.6
    assert nearness("孩子总是撞头怎么办", "how to sleep") < 0.3


async def test_stamps_tell_calls_apart() -> None:
    clocks = ModelClocks(first_content_seconds=10, progress_seconds=10, round_seconds=20)
    request = ModelRequest(messages=(ChatMessage(role="user", content="你好"),))
    with in_thread(OpenAIServer(stamped=True)) as server:
        model = OpenAILanguageModel(
            api_key="",
            base_url=server.base_url,
            model="scripted",
            temperature=None,
            clocks=clocks,
            connect_seconds=5,
        )
        for number in (1, 2):
            events = [event async for event in model.stream(request)]
            texts = [event.text for event in events if isinstance(event, TextDelta)]
            assert [calls_stamped_in(text) for text in texts] == [{number}] * len(texts)
        await model.aclose()


def test_program_prints_where_it_is() -> None:
    program = [sys.executable, "-m", "tests.openai_server", "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            base_url = process.stdout.readline().strip()
            assert answer_to(f"{base_url}/models")["data"] == [{"id": "scripted"}]
        finally:
            process.terminate()
