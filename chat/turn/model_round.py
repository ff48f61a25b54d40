"""One round of a model: its events in, the text that a visitor may see out, the rest kept."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from chat.turn.events import TextDelta
from chat.turn.language_model import (
    ChatMessage,
    FinishReason,
    ModelEvent,
    RoundFinished,
    RoundUsage,
    ToolCall,
    ToolCallDelta,
    UpstreamError,
)
from chat.turn.record import TurnRecord
from chat.turn.reply_filter import ReplyFilter
from chat.turn.tool_calls import ToolCallAssembler
from chat.turn.usage import LATIN_CHARACTERS_PER_TOKEN, quarter_tokens


class ModelRound:
    """After `shown` is over, `text` (as the model wrote it), `calls` and `finish` tell the rest.

    `room` is how much the model may still write, in quarters of a token; a longer text is cut off,
    which counts as the finish reason "length".
    """

    def __init__(self, record: TurnRecord, *, room: int) -> None:
        self._record = record
        citations = record.citations
        self._filter = ReplyFilter(
            numbers=citations.numbers, hosts=citations.hosts, cite=citations.cite
        )
        self._assembler = ToolCallAssembler()
        self._begun = False
        self.room = room
        self.text = ""
        self.finish: FinishReason | None = None
        self.reasoning = ""

    @property
    def spoke(self) -> bool:
        """Whether the visitor was shown a word of it."""
        return self._begun

    @property
    def none_fits(self) -> bool:
        """The model ended by saying that none of the answers fits."""
        return self._filter.none_fits

    @property
    def silent(self) -> bool:
        """Whether it brought nothing: no word, no whole call, and no reason for that."""
        called = bool(self.calls) and self.finish != "length"
        return not (self._begun or called or self.none_fits or self.finish == "content_filter")

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return self._assembler.calls()

    @property
    def message(self) -> ChatMessage:
        """The round, for the next one to go on from."""
        return ChatMessage(
            role="assistant",
            content=self.text,
            tool_calls=self.calls,
            reasoning=self.reasoning if self.calls else "",
        )

    async def shown(self, events: AsyncGenerator[ModelEvent, None]) -> AsyncGenerator[str, None]:
        """The text for the visitor, without what models write before it begins.

        Raises UpstreamError, also where the round ends without a finish reason.
        """
        pieces: list[str] = []
        async with aclosing(events):
            async for event in events:
                if isinstance(event, TextDelta):
                    pieces.append(event.text)
                    if visible := self._visible(self._filter.add(self._accepted(event.text))):
                        yield visible
                else:
                    self._note(event)
                if self.room <= 0:
                    self.finish = "length"
                    break
        self.text = "".join(pieces)
        if visible := self._visible(self._filter.end()):
            yield visible
        if self.finish is None:
            raise UpstreamError("upstream_truncated")

    def _accepted(self, text: str) -> str:
        """As much of `text` as there is room for."""
        self._record.usage.wrote(text)
        size = quarter_tokens(text)
        fitting = text if size <= self.room else text[: max(1, len(text) * self.room // size)]
        self.room -= size
        return fitting

    def _visible(self, text: str) -> str:
        visible = text if self._begun else text.lstrip()
        self._begun = self._begun or bool(visible)
        return visible

    def _note(self, event: ModelEvent) -> None:
        match event:
            case ToolCallDelta():
                self._record.usage.wrote(event.arguments)
                size = quarter_tokens(event.name + event.arguments)
                self.room -= size + LATIN_CHARACTERS_PER_TOKEN
                self._assembler.add(event)
            case RoundUsage():
                self._record.usage.reported(event)
            case RoundFinished():
                self.finish = event.reason
                self.reasoning = event.reasoning
