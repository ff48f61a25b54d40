"""“Try a question”: what a visitor's question would find, by the search that chat uses."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from knowledge import wiring
from knowledge.bars import Bars
from knowledge.embedders.base import EmbedderError
from knowledge.models import Answer
from knowledge.reranking import depth, reranked
from knowledge.retrieval import Hit, SearchResult, search

MEANINGS = {
    "clear": _("One answer clearly fits. Without a language model it is quoted at once."),
    "near": _(
        "Answers come near enough. The language model replies from them; without one, the visitor"
        " is offered the nearest questions."
    ),
    "none": _("No answer fits. The visitor is told that no expert has answered this yet."),
}
"""What each fit of a search means for the visitor."""
CERTAIN = _(
    "The question is the experts' business beyond doubt: a language model that does not search is"
    " overruled."
)
NOT_CERTAIN = _("Whether to search is left to the language model.")
QUESTION_CHARACTERS = 8_192
TOPIC_CHARACTERS = 120
SHOWN = 8
"""Hits."""


class TrialForm(forms.Form):
    question = forms.CharField(
        label=_("Question"),
        max_length=QUESTION_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField", "autofocus": True}),
        help_text=_("In the words of a parent. Nothing is stored."),
    )
    topic = forms.CharField(
        label=_("Only of this topic"),
        max_length=TOPIC_CHARACTERS,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A hit with the key of its answer; `fits` if it reaches the bar."""

    hit: Hit
    key: int | None
    fits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a question found."""

    found: list[Found]
    bars: Bars
    meaning: Any
    certainty: Any


def trial(form: TrialForm) -> Trial | None:
    """None, with an error in the form, when there is no question or the embedder fails."""
    if not form.is_valid():
        return None
    try:
        result = searched(form.cleaned_data["question"], form.cleaned_data["topic"])
    except EmbedderError:
        form.add_error(None, _("The program that makes texts searchable does not respond."))
        return None
    keys = dict(
        Answer.objects.filter(uid__in=[hit.uid for hit in result.hits]).values_list("uid", "pk")
    )
    return Trial(
        found=[
            Found(hit=hit, key=keys.get(hit.uid), fits=hit.exact or hit.score >= result.bars.near)
            for hit in result.hits
        ],
        bars=result.bars,
        meaning=MEANINGS[result.fit],
        certainty=CERTAIN if result.certain else NOT_CERTAIN,
    )


def searched(question: str, topic: str) -> SearchResult:
    """Raises EmbedderError."""
    reranker = wiring.reranker()
    result = search(question, wiring.embedder(), top_k=depth(SHOWN, reranker), topic=topic)
    return reranked(result, reranker, top_k=SHOWN)
