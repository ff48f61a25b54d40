"""A turn with a model: rounds of streamed text and tool calls until the model has answered."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from chat.turn.events import Found, Outcome, Searching, Source, TextDelta, TurnEvent
from chat.turn.expert_search import ExpertSearch, Findings, FoundAnswer, SearchUnavailableError
from chat.turn.language_model import (
    ChatMessage,
    FinishReason,
    LanguageModel,
    ModelRequest,
    RoundFinished,
    RoundUsage,
    ToolCall,
    ToolCallDelta,
    UpstreamError,
)
from chat.turn.quoting import pieces, titles
from chat.turn.request import TurnRequest
from chat.turn.tool_calls import ToolCallAssembler
from chat.turn.toolbox import (
    BadToolCallError,
    ToolResult,
    asked_question,
    background,
    refusal,
    search_tool,
)
from chat.turn.usage import UsageCount

MAX_ROUNDS = 4
MAX_CALLS = 8
SOURCES_WHEN_NEAR = 3
PARAGRAPH = "\n\n"


class ModelTurn:
    """The state of one turn: its exchange with the model, what was found, what was used."""

    def __init__(self, request: TurnRequest, search: ExpertSearch, model: LanguageModel) -> None:
        self._request = request
        self._search = search
        self._model = model
        self._usage = UsageCount()
        self._exchange: list[ChatMessage] = []
        self._answers: dict[str, FoundAnswer] = {}
        self._sources: dict[str, Source] = {}
        self._searched = False
        self._calls: tuple[ToolCall, ...] = ()
        self._finish: FinishReason = "stop"
        self._call_count = 0
        self._bad_call_count = 0
        self.has_text = False

    async def events(self) -> AsyncGenerator[TurnEvent, None]:
        """Raises UpstreamError where the provider fails; else the last event is an Outcome."""
        for round_number in range(1, MAX_ROUNDS + 1):
            async with aclosing(self._round(last=round_number == MAX_ROUNDS)) as deltas:
                async for delta in deltas:
                    yield delta
            if not self._calls or round_number == MAX_ROUNDS:
                break
            async with aclosing(self._run_calls()) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Outcome):
                        return
        for event in self._finished():
            yield event

    def outcome(self, outcome: Outcome) -> Outcome:
        """`outcome` with the model's name and the tokens used so far."""
        return self._usage.noted_in(outcome, model=self._model.name)

    async def _round(self, *, last: bool) -> AsyncGenerator[TextDelta, None]:
        """Stream one round's text; afterwards `_calls` and `_finish` hold the rest of it."""
        request = self._model_request(last=last)
        assembler = ToolCallAssembler()
        usage: RoundUsage | None = None
        finish: FinishReason | None = None
        text = ""
        async with aclosing(self._model.stream(request)) as events:
            async for event in events:
                match event:
                    case TextDelta():
                        if shown := event.text if text.strip() else event.text.lstrip():
                            yield self._continued(shown, begins=not text.strip())
                        text += event.text
                    case ToolCallDelta():
                        assembler.add(event)
                    case RoundUsage():
                        usage = event
                    case RoundFinished():
                        finish = event.reason
        if finish is None:
            raise UpstreamError("upstream_truncated")
        self._finish = finish
        self._calls = assembler.calls()
        self._usage.add(usage, request, text, self._calls)
        self._exchange.append(ChatMessage(role="assistant", content=text, tool_calls=self._calls))

    def _continued(self, text: str, *, begins: bool) -> TextDelta:
        """`text`, after a paragraph break where a round begins below earlier text."""
        broken = PARAGRAPH + text if begins and self.has_text else text
        self.has_text = True
        return TextDelta(text=broken)

    def _model_request(self, *, last: bool) -> ModelRequest:
        """With background the temperature is 0. The last round has no tools: it ends in words."""
        texts = self._request.texts
        return ModelRequest(
            messages=(
                ChatMessage(
                    role="system", content=texts.answering if self._searched else texts.system
                ),
                *self._request.history,
                ChatMessage(role="user", content=self._request.question),
                *self._exchange,
            ),
            tools=() if last else (search_tool(texts),),
            temperature=0.0 if self._searched else None,
        )

    async def _run_calls(self) -> AsyncGenerator[TurnEvent, None]:
        """Run the round's calls. Ends with an Outcome when no further round is needed."""
        searched: list[Findings] = []
        for call in self._calls:
            try:
                question = self._question_of(call)
            except BadToolCallError as error:
                self._note_result(call, refusal(error))
                continue
            yield Searching(question=question)
            try:
                findings = await self._search.search(question)
            except SearchUnavailableError:
                for event in self._in_our_words(
                    self._request.texts.unavailable, Outcome(status="failed", error="internal")
                ):
                    yield event
                return
            yield Found(hits=len(findings.answers))
            self._note_result(call, ToolResult(content=background(question, findings)))
            searched.append(findings)
        for event in self._settled(searched):
            yield event

    def _question_of(self, call: ToolCall) -> str:
        """What to search for. A second malformed call is taken as the visitor's own words."""
        self._call_count += 1
        if self._call_count > MAX_CALLS:
            raise BadToolCallError("Too many calls. Answer with what you have.")
        try:
            return asked_question(call)
        except BadToolCallError:
            self._bad_call_count += 1
            if self._bad_call_count == 1:
                raise
            return self._request.question

    def _note_result(self, call: ToolCall, result: ToolResult) -> None:
        self._exchange.append(
            ChatMessage(role="tool", content=result.content, tool_call_id=call.id)
        )

    def _settled(self, searched: list[Findings]) -> Iterator[TurnEvent]:
        """The end of the turn, where what was found leaves the model nothing to say."""
        if not searched:
            return
        self._searched = True
        found = [answer for findings in searched for answer in findings.answers]
        for answer in found:
            self._answers.setdefault(answer.source.answer, answer)
        self._sources |= {source.answer: source for source in sources(searched)}
        if not self._answers:
            yield from self._in_our_words(
                self._request.texts.no_answer, Outcome(finish="no_answer")
            )
            return
        for best in verbatim(searched):
            yield from self._in_our_words(best.text, Outcome(grounding="verbatim", sources=(best,)))
            return

    def _finished(self) -> Iterator[TurnEvent]:
        """The end of the turn after the model's last round."""
        if self.has_text:
            yield self.outcome(
                Outcome(
                    finish="stop" if self._finish == "tool_calls" else self._finish,
                    grounding="answer" if self._sources else "none",
                    sources=tuple(self._sources.values()),
                    suggestions=titles(tuple(self._answers.values())[1:]),
                )
            )
        elif self._finish == "content_filter":
            yield from self._in_our_words(
                self._request.texts.withheld, Outcome(finish="content_filter")
            )
        else:
            raise UpstreamError("upstream_malformed")

    def _in_our_words(self, text: str, outcome: Outcome) -> Iterator[TurnEvent]:
        for position, piece in enumerate(pieces(text)):
            yield self._continued(piece.text, begins=position == 0)
        yield self.outcome(outcome)


def sources(searched: list[Findings]) -> list[Source]:
    """What a reply is said to rest on: the one clear answer of a search, or its nearest few."""
    return [
        answer.source
        for findings in searched
        for answer in findings.answers[: 1 if findings.fit == "clear" else SOURCES_WHEN_NEAR]
    ]


def verbatim(searched: list[Findings]) -> list[Source]:
    """Clear answers that no model may rephrase."""
    clear = [findings.answers[0] for findings in searched if findings.fit == "clear"]
    return [answer.source for answer in clear if answer.verbatim]
