"""Runs a model's tool calls: searches where they make sense, else tells the model why not."""

from collections.abc import AsyncGenerator

from chat.turn.events import Found, Searching
from chat.turn.expert_search import ExpertSearch, Findings
from chat.turn.language_model import ChatMessage, ToolCall
from chat.turn.record import TurnRecord
from chat.turn.request import TurnRequest
from chat.turn.toolbox import (
    BadToolCallError,
    ToolResult,
    asked_question,
    background,
    refusal,
)

MAX_CALLS = 8


class CallRunner:
    """Of one turn. `found` is what all its searches brought, in order."""

    def __init__(self, request: TurnRequest, search: ExpertSearch, record: TurnRecord) -> None:
        self._request = request
        self._search = search
        self._record = record
        self._count = 0
        self._bad_count = 0
        self.found: list[Findings] = []

    async def run(
        self, calls: tuple[ToolCall, ...], exchange: list[ChatMessage]
    ) -> AsyncGenerator[Searching | Found, None]:
        """Adds a result for each call to `exchange`. Raises SearchUnavailableError."""
        for call in calls:
            try:
                question = self._question_of(call)
            except BadToolCallError as error:
                exchange.append(result_message(call, refusal(error)))
                continue
            yield Searching(question=question)
            findings = await self._search.search(question)
            yield Found(hits=len(findings.answers))
            self._note(findings)
            result = background(question, findings, self._record.citations)
            exchange.append(result_message(call, ToolResult(content=result)))

    def _question_of(self, call: ToolCall) -> str:
        """What to search for. A second malformed call is taken as the visitor's own words."""
        self._count += 1
        if self._count > MAX_CALLS:
            raise BadToolCallError("Too many calls. Answer with what you have.")
        try:
            return asked_question(call, self._request.texts)
        except BadToolCallError:
            self._bad_count += 1
            if self._bad_count == 1:
                raise
            return self._request.question

    def _note(self, findings: Findings) -> None:
        self.found.append(findings)
        self._record.citations.add(findings)
        self._record.space = findings.space


def result_message(call: ToolCall, result: ToolResult) -> ChatMessage:
    return ChatMessage(role="tool", content=result.content, tool_call_id=call.id)
