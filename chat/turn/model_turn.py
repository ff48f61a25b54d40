"""A turn with a model: rounds of streamed text and tool calls until the model has answered."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing

from chat.turn.call_runner import CallRunner
from chat.turn.events import Notice, Outcome, Source, TurnEvent
from chat.turn.expert_search import Findings, SearchUnavailableError
from chat.turn.grounding import GroundingGuard, MissedCallError
from chat.turn.language_model import (
    ChatMessage,
    LanguageModel,
    ModelEvent,
    ModelRequest,
    ToolCall,
    UpstreamError,
)
from chat.turn.model_round import ModelRound
from chat.turn.quoting import pieces
from chat.turn.record import TurnRecord
from chat.turn.request import TurnRequest
from chat.turn.shown_text import ShownText
from chat.turn.speculation import SpeculativeSearch
from chat.turn.toolbox import search_call, search_tool
from chat.turn.usage import LATIN_CHARACTERS_PER_TOKEN

MAX_ROUNDS = 4


class ModelTurn:
    """The state of one turn: its exchange with the model, and what the visitor was shown."""

    def __init__(
        self,
        request: TurnRequest,
        search: SpeculativeSearch,
        model: LanguageModel,
        record: TurnRecord,
    ) -> None:
        self._request = request
        self._search = search
        self._model = model
        self._record = record
        self._runner = CallRunner(request, search, record)
        self._exchange: list[ChatMessage] = []
        self._calls: tuple[ToolCall, ...] = ()
        self._round = ModelRound(record, room=0)
        self._room = request.limits.output_tokens * LATIN_CHARACTERS_PER_TOKEN
        self._retried: set[bool] = set()
        self.shown = ShownText()

    async def events(self) -> AsyncGenerator[TurnEvent, None]:
        """Raises UpstreamError where the provider fails; else the last event is an Outcome."""
        for round_number in range(1, MAX_ROUNDS + 1):
            async with aclosing(self._answered_round(last=round_number == MAX_ROUNDS)) as events:
                async for event in events:
                    yield event
            if not self._calls:
                break
            async with aclosing(self._run_calls()) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Outcome):
                        return
        else:
            raise UpstreamError("limit", retryable=False)
        for event in self._finished():
            yield event

    async def _answered_round(self, *, last: bool) -> AsyncGenerator[TurnEvent, None]:
        """One round, begun anew where the provider fails: once before the first word that the
        visitor sees, and once after it."""
        begins_at = self.shown.end
        while True:
            try:
                async with aclosing(self._grounded_round(last=last)) as events:
                    async for event in events:
                        yield event
            except UpstreamError as error:
                self._record.usage.failed()
                shown_in_vain = self.shown.length > begins_at and not self._request.revisable
                pause = None if shown_in_vain else self._pause_before_retry(error)
                if pause is None:
                    raise
                yield Notice(code=error.code, retry_ms=round(pause * 1000))
                await asyncio.sleep(pause)
                self.shown.replace_from(begins_at, why="upstream")
                self._record.citations.forget_marks()
            else:
                return

    def _pause_before_retry(self, error: UpstreamError) -> float | None:
        """Seconds to wait, or None where it is no use to try again."""
        begun = bool(self.shown.length)
        limits = self._request.limits
        pause = max(error.retry_after_seconds or 0.0, limits.retry_pause_seconds)
        hopeless = not error.retryable or pause > max(
            limits.retry_seconds, limits.retry_pause_seconds
        )
        if hopeless or begun in self._retried:
            return None
        self._retried.add(begun)
        return pause

    async def _grounded_round(self, *, last: bool) -> AsyncGenerator[TurnEvent, None]:
        """One round; a model that replies without the experts' answer is made to have called."""
        begins_at = self.shown.end
        self._round = ModelRound(self._record, room=self._room)
        try:
            async with aclosing(self._streamed(self._round, last=last)) as events:
                async for event in events:
                    yield event
        except MissedCallError as error:
            self._record.missed_calls += 1
            self._record.usage.wrote(error.text)
            self.shown.replace_from(begins_at, why="ungrounded")
            called = search_call(self._request.texts, self._request.question)
            self._round.finish = "tool_calls"
            self._note_round(ChatMessage(role="assistant", content="", tool_calls=(called,)))
        else:
            self._note_round(self._round.message)
        finally:
            self._room = self._round.room

    def _note_round(self, message: ChatMessage) -> None:
        """A call that was cut off is none."""
        self._calls = () if self._round.finish == "length" else message.tool_calls
        self._exchange.append(message)

    async def _streamed(
        self, model_round: ModelRound, *, last: bool
    ) -> AsyncGenerator[TurnEvent, None]:
        """Raises UpstreamError and MissedCallError. A reply without a word is no reply."""
        if self._runner.found:
            self._record.with_background(self.shown.end)
        request = model_request(
            self._request, self._exchange, searched=bool(self._runner.found), last=last
        )
        self._record.usage.begin(request)
        begins = True
        async with aclosing(model_round.shown(self._model_events(request))) as texts:
            async for text in texts:
                for event in self.shown.add(text, begins=begins):
                    yield event
                begins = False
        if model_round.silent:
            raise UpstreamError("upstream_malformed")

    def _model_events(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        events = self._model.stream(request)
        if self._runner.found:
            return events
        guard = GroundingGuard(
            self._search, self._request.limits, revisable=self._request.revisable
        )
        return guard.events(events)

    async def _run_calls(self) -> AsyncGenerator[TurnEvent, None]:
        """Run the round's calls. Ends with an Outcome when no further round is needed."""
        begun = len(self._runner.found)
        try:
            async with aclosing(self._runner.run(self._calls, self._exchange)) as events:
                async for event in events:
                    yield event
        except SearchUnavailableError:
            failed = Outcome(status="failed", error="internal")
            for told in self._in_our_words(self._request.texts.unavailable, failed):
                yield told
            return
        for told in self._settled(self._runner.found[begun:]):
            yield told

    def _settled(self, searched: list[Findings]) -> Iterator[TurnEvent]:
        """The end of the turn, where what was found leaves the model nothing to say."""
        if searched and not len(self._record.citations):
            yield from self._in_our_words(
                self._request.texts.no_answer, Outcome(finish="no_answer")
            )
            return
        for best in verbatim(searched):
            yield from self._in_our_words(best.text, Outcome(grounding="verbatim", sources=(best,)))
            return

    def _finished(self) -> Iterator[TurnEvent]:
        """The end of the turn after the model's last round."""
        citations, last = self._record.citations, self._round
        if last.none_fits and not citations.marked:
            yield from self._without_answer()
        elif last.finish == "content_filter" and not last.spoke:
            yield from self._in_our_words(
                self._request.texts.withheld, Outcome(finish="content_filter")
            )
        else:
            sources = self._record.sources(self.shown.text)
            yield Outcome(
                finish=last.finish if last.finish in {"length", "content_filter"} else "stop",
                grounding="answer" if sources else "none",
                sources=sources,
                suggestions=citations.suggestions(sources),
            )

    def _without_answer(self) -> Iterator[TurnEvent]:
        """The model finds that none of the answers fits: they are offered, and nothing is cited."""
        outcome = Outcome(finish="no_answer", suggestions=self._record.citations.suggestions(()))
        if self._round.spoke:
            yield outcome
        else:
            yield from self._in_our_words(self._request.texts.no_answer, outcome)

    def _in_our_words(self, text: str, outcome: Outcome) -> Iterator[TurnEvent]:
        for position, piece in enumerate(pieces(text)):
            yield from self.shown.add(piece.text, begins=position == 0)
        yield outcome


def model_request(
    request: TurnRequest,
    exchange: Iterable[ChatMessage] = (),
    *,
    searched: bool = False,
    last: bool = False,
) -> ModelRequest:
    """With background the temperature is 0. The last round has no tools: it ends in words."""
    texts = request.texts
    prompt = texts.answering if searched else texts.system
    return ModelRequest(
        messages=(
            ChatMessage(role="system", content=prompt.replace("{tool}", texts.tool_name)),
            *request.history,
            ChatMessage(role="user", content=request.question),
            *exchange,
        ),
        tools=() if last else (search_tool(texts),),
        temperature=0.0 if searched else None,
        visitor=request.visitor,
    )


def verbatim(searched: list[Findings]) -> list[Source]:
    """Clear answers that no model may rephrase."""
    clear = [findings.answers[0] for findings in searched if findings.fit == "clear"]
    return [answer.source for answer in clear if answer.verbatim]
