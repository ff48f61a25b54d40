"""“Try it”: one whole turn with texts that nobody has saved, and nothing of it stored."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from chat import wiring
from chat.admin.spending import cost_line, tokens_line
from chat.prices import cost_of
from chat.rendering import render
from chat.turn.events import Notice, Outcome, Restarted, Searching, TextDelta, TurnEvent
from chat.turn.loop import run_turn
from chat.turn.prompt import Texts
from chat.turn.utf16 import utf16_cut
from chat.turn_requests import turn_request

FAILURES = {
    "upstream_timeout": _("The language model said nothing in time."),
    "upstream_stalled": _("The language model fell silent in the middle."),
    "upstream_reset": _("The connection to the language model broke."),
    "upstream_truncated": _("The language model broke off before it had finished."),
    "upstream_malformed": _("The language model sent something that cannot be read."),
    "upstream_rate_limited": _("The language model refuses: too many requests, or no credit left."),
    "internal": _("The experts' answers cannot be searched right now."),
}
UNKNOWN_FAILURE = _(
    "The language model refuses, or reports a fault of its own. The operator should look at its"
    " key, address and name."
)
GROUNDINGS = {
    "answer": _("The reply rests on the experts' answers below."),
    "verbatim": _("The reply is an expert's answer, word for word."),
    "none": _("The reply rests on no expert's answer."),
}
FINISHES = {
    "length": _("The reply was cut because it became too long or took too long."),
    "no_answer": _("Nothing fits: the visitor is told that no expert has answered this yet."),
    "content_filter": _("The provider's filter withheld the reply."),
}


@dataclass(slots=True, kw_only=True)
class Trial:
    """What a visitor would have seen, and what it took. `outcome` stays None if time ran out."""

    model: str
    """Empty where the experts are quoted, because there is no model."""
    text: str = ""
    searched: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    outcome: Outcome | None = None
    seconds: float = 0.0

    def note(self, event: TurnEvent) -> None:
        match event:
            case TextDelta():
                self.text += event.text
            case Restarted():
                self.text = utf16_cut(self.text, event.keep)
            case Searching():
                self.searched.append(event.question)
            case Notice():
                self.troubles.append(event.code)
            case Outcome():
                self.outcome = event
                self.troubles += [event.error] if event.error else []

    @property
    def failures(self) -> list[Any]:
        """In words, each once."""
        return [FAILURES.get(code, UNKNOWN_FAILURE) for code in dict.fromkeys(self.troubles)]

    @property
    def meanings(self) -> list[Any]:
        if self.outcome is None:
            return []
        finish = FINISHES.get(self.outcome.finish)
        return [*([finish] if finish else []), GROUNDINGS[self.outcome.grounding]]

    @property
    def html(self) -> str:
        return mark_safe(render(self.text))  # noqa: S308  (render() is what makes it safe)

    @property
    def tokens(self) -> str:
        usage = self.outcome.usage if self.outcome else None
        if usage is None:
            return ""
        return tokens_line(usage.input_tokens, usage.output_tokens, estimated=usage.estimated)

    @property
    def cost(self) -> str:
        usage = self.outcome.usage if self.outcome else None
        return cost_line(cost_of(self.model, usage)) if usage else ""


async def tried(texts: Texts, question: str) -> Trial:
    """Must run on the server's own event loop, to which the model's client belongs."""
    model = wiring.language_model()
    trial = Trial(model=model.name if model else "")
    request = turn_request(question, texts=texts)
    began = time.monotonic()
    try:
        async with asyncio.timeout(settings.TRIAL_SECONDS):
            async with aclosing(run_turn(request, wiring.expert_search(), model)) as events:
                async for event in events:
                    trial.note(event)
    except TimeoutError:
        trial.outcome = None
    trial.seconds = time.monotonic() - began
    return trial
