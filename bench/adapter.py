"""Deltas relayed per second of CPU, from socket to event: our adapter against the official client.

Run as `make bench`. Both read the same replies of the scripted server, which is another process,
in turns and in the same run. Only this process's CPU counts, from the moment when every stream has
begun until the first one ends: setting requests up is in neither figure. The client cannot keep up
with the second load, and so reads several deltas at once, which is cheaper for each. Read the
ratios, not the figures: machines are noisy.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

from openai import AsyncOpenAI

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chat.llm.clocks import ModelClocks
from chat.llm.openai import OpenAILanguageModel
from chat.turn.events import TextDelta
from chat.turn.language_model import ChatMessage, ModelRequest

ROOT = Path(__file__).resolve().parent.parent
CHARACTERS = 4  # in each of the server's deltas
GREETING = "You said: "
CLOCKS = ModelClocks(first_content_seconds=60, progress_seconds=60, round_seconds=600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    name: str
    streams: int
    deltas: int
    pace: float
    rounds: int = 3

    @property
    def question(self) -> str:
        """The server repeats it."""
        return "问" * (self.deltas * CHARACTERS - len(GREETING))


LOADS = (
    Load(name="50 streams, a delta each 20 ms", streams=50, deltas=200, pace=0.02),
    Load(name="100 streams, a delta each 20 ms", streams=100, deltas=200, pace=0.02),
    Load(name="4 streams, flat out", streams=4, deltas=4000, pace=0),
)


class Meter:
    """Counts between the last stream's first piece and the first stream's end.

    Characters, not events: the adapter tells pieces that came together as one.
    """

    def __init__(self, streams: int) -> None:
        self._missing = streams
        self._characters = 0
        self._cpu_seconds = 0.0
        self.deltas_per_cpu_second = 0.0

    def begin(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._characters = 0
            self._cpu_seconds = time.process_time()

    def count(self, text: str) -> None:
        self._characters += len(text)

    def end(self) -> None:
        if not self.deltas_per_cpu_second:
            spent = time.process_time() - self._cpu_seconds
            self.deltas_per_cpu_second = self._characters / CHARACTERS / spent


Reader = Callable[[str, Meter], Awaitable[None]]


def main() -> None:
    for load in LOADS:
        with server(load.pace) as base_url:
            asyncio.run(compare(load, base_url))


async def compare(load: Load, base_url: str) -> None:
    client = AsyncOpenAI(api_key="bench", base_url=base_url)
    model = OpenAILanguageModel(
        api_key="bench",
        base_url=base_url,
        model="scripted",
        temperature=None,
        clocks=CLOCKS,
        connect_seconds=5,
    )
    readers = (official(client), adapter(model))
    rates = [[await rate(reader, load) for reader in readers] for _ in range(load.rounds)]
    await client.close()
    await model.aclose()
    row(load.name, *[statistics.median(column) for column in zip(*rates, strict=True)])


def official(client: AsyncOpenAI) -> Reader:
    async def read(question: str, meter: Meter) -> None:
        chunks = await client.chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": question}], stream=True
        )
        begun = False
        async for chunk in chunks:
            piece = chunk.choices[0].delta.content if chunk.choices else None
            if piece:
                meter.count(piece)
                if not begun:
                    begun = True
                    meter.begin()
        meter.end()

    return read


def adapter(model: OpenAILanguageModel) -> Reader:
    async def read(question: str, meter: Meter) -> None:
        request = ModelRequest(messages=(ChatMessage(role="user", content=question),))
        begun = False
        async with aclosing(model.stream(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    meter.count(event.text)
                    if not begun:
                        begun = True
                        meter.begin()
        meter.end()

    return read


async def rate(reader: Reader, load: Load) -> float:
    meter = Meter(load.streams)
    await asyncio.gather(*[reader(load.question, meter) for _ in range(load.streams)])
    return meter.deltas_per_cpu_second


def row(name: str, official_rate: float, adapter_rate: float) -> None:
    sys.stdout.write(
        f"{name:32} official client {official_rate:7.0f}/s, adapter {adapter_rate:7.0f}/s"
        f" {adapter_rate / official_rate:6.1f} x\n"
    )


@contextmanager
def server(pace: float) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.openai_server", "--pace", str(pace)]
    with (
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process,  # noqa: S603
        cast(TextIO, process.stdout) as said,
    ):
        try:
            yield said.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
