"""Puts a round's fragments of tool calls together."""

from dataclasses import dataclass, field
from itertools import count

from chat.turn.language_model import ToolCall, ToolCallDelta


@dataclass(slots=True, kw_only=True)
class _Draft:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class ToolCallAssembler:
    """Collects fragments in the order they come; providers differ in what marks a new call.

    Fragments of one index belong together until another id comes (some providers give all calls
    index 0). Without an index, a fragment with another id begins a new call, and so does a name
    after arguments have begun; all else continues the last call.
    """

    def __init__(self) -> None:
        self._drafts: list[_Draft] = []
        self._by_index: dict[int, _Draft] = {}

    def add(self, delta: ToolCallDelta) -> None:
        draft = self._draft_for(delta)
        draft.id = draft.id or delta.id
        if delta.name and delta.name != draft.name:
            draft.name += delta.name
        if delta.arguments:
            draft.arguments.append(delta.arguments)

    def calls(self) -> tuple[ToolCall, ...]:
        """The whole calls, each once. A missing or repeated id is replaced by one of its own."""
        taken = {draft.id for draft in self._drafts}
        spare = (id_ for number in count() if (id_ := f"call_{number}") not in taken)
        calls: dict[tuple[str, str], ToolCall] = {}
        used = {""}
        for draft in self._drafts:
            id_ = next(spare) if draft.id in used else draft.id
            used.add(id_)
            arguments = "".join(draft.arguments)
            call = ToolCall(id=id_, name=draft.name, arguments=arguments)
            calls.setdefault((draft.name, arguments), call)
        return tuple(calls.values())

    def _draft_for(self, delta: ToolCallDelta) -> _Draft:
        if delta.index is not None:
            draft = self._by_index.get(delta.index)
            if draft is None or other_id(delta, draft):
                draft = self._by_index[delta.index] = self._new_draft()
            return draft
        if not self._drafts or self._begins_call(delta, self._drafts[-1]):
            return self._new_draft()
        return self._drafts[-1]

    @staticmethod
    def _begins_call(delta: ToolCallDelta, last: _Draft) -> bool:
        return other_id(delta, last) or bool(delta.name and last.arguments)

    def _new_draft(self) -> _Draft:
        draft = _Draft()
        self._drafts.append(draft)
        return draft


def other_id(delta: ToolCallDelta, draft: _Draft) -> bool:
    return bool(delta.id and draft.id and delta.id != draft.id)
