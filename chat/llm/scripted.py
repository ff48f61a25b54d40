"""A language model that plays a script: for tests, and for demos without a provider."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Sequence

from chat.turn.events import TextDelta
from chat.turn.language_model import (
    FinishReason,
    ModelEvent,
    ModelRequest,
    RoundFinished,
    ToolCallDelta,
    UpstreamError,
)
from chat.turn.prompt import TOOL_NAME

Step = ModelEvent | UpstreamError | asyncio.Event
"""What a round does next: says something, fails, or waits until the event is set."""


class ScriptEndedError(Exception):
    """The model was asked for one more round than its script has."""


class ScriptedLanguageModel:
    """Plays one of `rounds` for each request, in order; an endless iterable makes a demo.

    `requests` are those it was asked, `open_streams` those rounds that are still being played.
    """

    def __init__(self, rounds: Iterable[Sequence[Step]], *, name: str = "scripted") -> None:
        self._rounds = iter(rounds)
        self._name = name
        self.requests: list[ModelRequest] = []
        self.open_streams = 0

    @property
    def name(self) -> str:
        return self._name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Raises the round's UpstreamError, and ScriptEndedError when no round is left."""
        self.requests.append(request)
        steps = next(self._rounds, None)
        if steps is None:
            raise ScriptEndedError
        self.open_streams += 1
        try:
            for step in steps:
                match step:
                    case asyncio.Event():
                        await step.wait()
                    case UpstreamError():
                        raise step
                    case _:
                        yield step
        finally:
            self.open_streams -= 1


def saying(*pieces: str, finish: FinishReason = "stop") -> list[Step]:
    """A round that answers with these pieces of text."""
    return [*(TextDelta(text=piece) for piece in pieces), RoundFinished(reason=finish)]


def searching(*questions: str) -> list[Step]:
    """A round that searches the experts' answers for each of these questions, in one breath."""
    calls = [
        calling(json.dumps({"question": question}, ensure_ascii=False), id_=f"call_{number}")
        for number, question in enumerate(questions, start=1)
    ]
    return [*calls, RoundFinished(reason="tool_calls")]


def calling(arguments: str, *, id_: str = "call_1", tool: str = TOOL_NAME) -> ToolCallDelta:
    """A whole tool call with this JSON text as its arguments, be it right or wrong."""
    return ToolCallDelta(index=None, id=id_, name=tool, arguments=arguments)
